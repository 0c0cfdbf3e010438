# ruff: noqa: D103 - the name of a test says what it asserts
"""What pages of other sites may do, over HTTP and over Socket.IO, and what browsers are told."""

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import Bake
from environments import interpreter
from server import Answer, Server, package_of, started

EVERY_MODE = [
    "eventlet",
    *(pytest.param(mode, marks=pytest.mark.full) for mode in ("gevent", "threading")),
]
EVIL = "https://evil.example"
FRIEND = "https://friend.example"
HANDSHAKE = "/socket.io/?EIO=4&transport=polling"
SAY = "/echo/say/hello"
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
# It tells which cookies have come.
VIEW = '''
"""A view that sees cookies."""

from flask import request

from ..flask_view import FlaskView, route


class JarView(FlaskView):
    """Answers at /jar."""

    @route(methods=["GET", "POST", "OPTIONS"])
    def look(self) -> dict[str, object]:
        """GET and POST /jar/look: the cookies."""
        return {"cookies": dict(request.cookies), "url": request.url}

    def socket_look(self) -> dict[str, str]:
        """Answer the event "look": the cookies."""
        return dict(request.cookies)
'''


def ask(server: Server, method: str, path: str, **headers: str) -> Answer:
    """Send a request with headers; the names of these have _ for -."""
    address = urlsplit(server.url)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(HTTPConnection(str(address.hostname), address.port, timeout=10)) as connection:
        connection.request(method, path, headers=named)
        response = connection.getresponse()
        # A websocket that is greeted has no end.
        text = "" if response.status == 101 else response.read().decode()
        return Answer(response.status, response.headers, text)


def statuses(server: Server, **headers: str) -> list[int]:
    """Return how a request that changes something is answered, and a handshake on each way."""
    upgrade = HANDSHAKE.replace("polling", "websocket")
    return [
        ask(server, "POST", SAY, **headers).status,
        ask(server, "GET", HANDSHAKE, **headers).status,
        ask(server, "GET", upgrade, **headers, **WEBSOCKET).status,
    ]


ALLOWED, FORBIDDEN, ELSEWHERE = [200, 200, 101], [403] * 3, [400] * 3


@pytest.fixture
def service(bake: Bake) -> Path:
    """Return a service with a view that sees cookies."""
    service = bake(starter="minimal")
    (service / "src" / package_of(service) / "views" / "jar.py").write_text(VIEW)
    return service


@pytest.fixture
def server(service: Path) -> Iterator[Server]:
    """Return a service that has no friends."""
    with started(interpreter(service), service) as server:
        yield server


def test_pages_of_other_sites_can_change_and_open_nothing(server: Server) -> None:
    assert statuses(server) == ALLOWED
    assert statuses(server, Origin=server.url) == ALLOWED
    for origin in (EVIL, "null", server.url.replace("http:", "https:"), f"{server.url}.evil"):
        assert statuses(server, Origin=origin) == FORBIDDEN, origin
        # A browser is the judge of what a page may read.
        assert ask(server, "GET", "/echo", Origin=origin).status == 200
    refused = ask(server, "POST", SAY, Origin=EVIL)
    assert json.loads(refused.text)["detail"] == f"Pages of {EVIL!r} may not do this."
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert "POST /echo/say/hello, 403" in server.printed()
    assert f"Refused a connection: Pages of {EVIL!r}" in server.printed()


def test_what_a_browser_says_of_a_page_counts(server: Server) -> None:
    for site in ("cross-site", "same-site"):
        assert statuses(server, Sec_Fetch_Site=site) == FORBIDDEN
    for site in ("same-origin", "none"):
        assert statuses(server, Sec_Fetch_Site=site) == ALLOWED
    # A form of a page that keeps its address to itself.
    assert statuses(server, Sec_Fetch_Site="same-origin", Origin="null") == ALLOWED
    assert statuses(server, Sec_Fetch_Site="cross-site", Origin=server.url) == ALLOWED


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_without_proxies_nobody_can_claim_to_come_through_one(bake: Bake, mode: str) -> None:
    service = bake(starter="minimal", async_mode=mode)
    (service / "src" / package_of(service) / "views" / "jar.py").write_text(VIEW)
    claims = {
        "Forwarded": "host=evil.example;proto=https",
        "X_Forwarded_Host": "evil.example",
        "X_Forwarded_Proto": "https",
        "X_Forwarded_Ssl": "on",
        "X_Forwarded_Protocol": "ssl",
        "X_Forwarded_Prefix": "/evil",
        "Script_Name": "/evil",
    }
    with started(interpreter(service), service) as server:
        assert statuses(server, Origin=EVIL, **claims) == FORBIDDEN
        assert statuses(server, Origin=server.url, **claims) == ALLOWED
        found = json.loads(ask(server, "GET", "/jar/look", **claims).text)
        assert found["url"] == f"{server.url}/jar/look"


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_behind_proxies_only_those_that_are_trusted_count(bake: Bake, mode: str) -> None:
    service = bake(starter="minimal", async_mode=mode)
    with started(interpreter(service), service, TRUSTED_PROXIES="1") as server:
        told = {"X_Forwarded_Host": "evil.example, own.example", "X_Forwarded_Proto": "http, https"}
        assert statuses(server, Origin="https://own.example", **told) == ALLOWED
        assert statuses(server, Origin=EVIL, **told) == FORBIDDEN
        # A port that is the scheme's is not in an origin.
        told |= {"X_Forwarded_Port": "443"}
        assert statuses(server, Origin="https://own.example", **told) == ALLOWED


def test_a_service_is_at_its_own_hosts_only(service: Path) -> None:
    hosts = "own.example, .own.example, Other.Example"
    with started(interpreter(service), service, TRUSTED_HOSTS=hosts) as server:
        for host in ("own.example", "www.own.example:8000", "OTHER.example"):
            assert statuses(server, Host=host) == ALLOWED, host
            assert statuses(server, Host=host, Origin=f"http://{host.lower()}") == ALLOWED, host
        for host in ("evil.example", "own.example.evil", "127.0.0.1", "evilown.example", ""):
            assert statuses(server, Host=host) == ELSEWHERE, host
            # Whoever owns a name can let it lead here.
            assert statuses(server, Host=host, Origin=f"http://{host}") == ELSEWHERE, host
            assert ask(server, "GET", "/echo", Host=host).status == 400
            # Those who look after the service have its address only.
            assert ask(server, "GET", "/health/live", Host=host).status == 200
            assert ask(server, "GET", "/metrics", Host=host).status == 200
        said = json.loads(ask(server, "GET", "/echo", Host="evil.example").text)
        assert said["detail"] == "The service is not at 'evil.example'."
        assert "Traceback" not in server.printed()


def test_a_friend_may_do_the_same_over_both_transports(service: Path) -> None:
    friends = f"{FRIEND.upper()}:443/, app://localhost"
    with started(interpreter(service), service, CORS_ALLOWED_ORIGINS=friends) as server:
        for origin in (FRIEND, "app://localhost", server.url):
            assert statuses(server, Origin=origin) == ALLOWED, origin
            assert statuses(server, Origin=origin, Sec_Fetch_Site="cross-site") == ALLOWED
        assert statuses(server, Origin=EVIL) == FORBIDDEN
        for method, path in (("GET", "/echo"), ("GET", "/nowhere"), ("GET", HANDSHAKE)):
            answer = ask(server, method, path, Origin=FRIEND).headers
            assert answer["Access-Control-Allow-Origin"] == FRIEND, path
            assert answer["Access-Control-Allow-Credentials"] == "true"
            assert ask(server, method, path, Origin=EVIL).headers[
                "Access-Control-Allow-Origin"
            ] in (None, ""), path
        assert "Origin" in ask(server, "GET", "/echo", Origin=FRIEND).headers["Vary"]

        asked = {
            "Access_Control_Request_Method": "POST",
            "Access_Control_Request_Headers": "authorization, content-type",
        }
        answer = ask(server, "OPTIONS", SAY, Origin=FRIEND, **asked).headers
        assert "POST" in answer["Access-Control-Allow-Methods"]
        assert "authorization" in answer["Access-Control-Allow-Headers"]
        answer = ask(server, "OPTIONS", SAY, Origin=EVIL, **asked).headers
        assert answer["Access-Control-Allow-Origin"] is None


def test_everybody_may_come_but_not_with_the_cookies_of_somebody_else(service: Path) -> None:
    with started(interpreter(service), service, CORS_ALLOWED_ORIGINS="*") as server:
        assert statuses(server, Origin=EVIL) == ALLOWED
        for path in ("/echo", HANDSHAKE):
            answer = ask(server, "GET", path, Origin=EVIL).headers
            assert answer["Access-Control-Allow-Origin"] in (EVIL, "*")
            assert answer["Access-Control-Allow-Credentials"] is None
        for method in ("GET", "POST"):
            for origin, cookies in ((EVIL, {}), (server.url, {"a": "b"})):
                found = ask(server, method, "/jar/look", Origin=origin, Cookie="a=b").text
                assert json.loads(found)["cookies"] == cookies


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_every_response_tells_browsers_to_be_careful(bake: Bake, mode: str) -> None:
    service = bake(starter="chat", async_mode=mode)
    with started(
        interpreter(service), service, MESSAGE_QUEUE_URL="redis://127.0.0.1:1", TRUSTED_HOSTS="here"
    ) as server:
        for path, status, host in (
            ("/", 200, "here"),
            ("/static/page.js", 200, "here"),
            ("/_client/socket.js", 200, "here"),
            ("/nowhere", 404, "here"),
            ("/health/ready", 503, "here"),
            (HANDSHAKE, 200, "here"),
            (HANDSHAKE, 400, "elsewhere"),
            (f"{HANDSHAKE}&sid=unknown", 400, "here"),
            ("/echo", 400, "elsewhere"),
        ):
            answer = ask(server, "GET", path, Host=host)
            assert answer.status == status, path
            assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"], path
            assert len(answer.headers.get_all("Referrer-Policy", [])) == 1, path


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_HOSTS", "https://own.example"),
        ("TRUSTED_HOSTS", "own.example:443"),
        ("TRUSTED_HOSTS", "*"),
        ("CORS_ALLOWED_ORIGINS", "own.example"),
        ("CORS_ALLOWED_ORIGINS", "https://own.example/path"),
        ("CORS_ALLOWED_ORIGINS", "https://*.own.example"),
    ],
)
def test_what_browsers_never_say_is_refused(
    monkeypatch: pytest.MonkeyPatch, bake: Bake, name: str, value: str
) -> None:
    service = bake(starter="minimal")
    with (
        pytest.raises(AssertionError) as ended,
        started(interpreter(service), service, **{name: value}),
    ):
        pass
    assert f"{name}={value!r}: Value error, must be" in "".join(ended.value.__notes__)
