# ruff: noqa: D103 - the name of a test says what it asserts
"""The Socket.IO client of the pages: it does what the official one does, in a browser."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import socketio  # type: ignore[import-untyped]
from browser import Browser, browsing
from combinations import CHOICES
from conftest import ROOT, Bake, generate
from environments import interpreter
from packages import installed
from programs import program
from server import Server, eventually, package_of, started
from test_browsers import ask
from test_readme import ask as ask_within
from test_readme import blocks, read, section

OFFICIAL = "socket.io-client@4.8.4"
# Where a page in `static` finds each.
CLIENTS = {"ours": "../_client/socket.js", "official": "./official.js"}
OURS = "serving/browser/static/socket.js"
PRESENCE = "serving/browser/static/presence.js"
BEHAVIOURS = Path(__file__).with_name("behaviours.js")
EVERY_MODE = [
    "eventlet",
    *(pytest.param(mode, marks=pytest.mark.full) for mode in ("gevent", "threading")),
]
PAGE = """<!DOCTYPE html>
<link rel="icon" href="data:,">
<script type="module" src="behaviours.js"></script>
"""
VIEWS = '''
"""What the behaviours of a client are tried with."""

from flask import abort, request

from ..flask_view import FlaskView, on


class LabView(FlaskView):
    """Answers in /lab."""

    def socket_one(self, value):
        return value

    def socket_several(self, *values):
        return values[-1]

    def socket_pair(self):
        return 1, "two"

    def socket_nothing(self):
        pass

    def socket_slow(self):
        self.socketio.sleep(1)

    def socket_auth(self):
        return self.auth

    def socket_transport(self):
        return self.socketio.server.transport(request.sid, self.namespace)

    def socket_tell(self, *values):
        self.emit("told", values, to=request.sid)

    def socket_ask(self, value):
        sid = request.sid
        self.socketio.server.emit(
            "question",
            value,
            to=sid,
            namespace=self.namespace,
            callback=lambda *answer: self.emit("answered", answer, to=sid),
        )

    def socket_kick(self):
        self.kick(request.sid)

    def socket_cut(self):
        self.drop(request.sid)

    def socket_enter(self, room, key):
        self.join(room)
        self.presence.track(room, key)

    def socket_go(self, room):
        self.leave(room)


class OtherView(LabView):
    """Answers in /other."""


class ClosedView(FlaskView):
    """Refuses in /closed."""

    def socket_connect(self):
        abort(403, "The door is closed")
'''
HOME = '''
"""A page of the user's own."""

from ..flask_view import FlaskView

PAGE = """<link rel="icon" href="data:,">
{page}"""


class HomeView(FlaskView):
    """Answers at /."""

    route_base = "/"

    def index(self) -> str:
        """GET /: the page."""
        return PAGE
'''
PRODUCTION = {"ENVIRONMENT": "production", "SECRET_KEY": "s" * 32}
SETTINGS = {
    "MAX_MESSAGE_BYTES": "250000",
    "MAX_EVENTS_PER_SECOND": "10000",
    "PING_INTERVAL": "1",
    "PING_TIMEOUT": "2",
}

ENDS_WITHIN = 120.0
TYPED = (
    *("--noEmit", "--allowJs", "--checkJs", "--strict", "--target", "es2022"),
    *("--lib", "es2023,dom,dom.iterable", "--module", "nodenext"),
)

Perform = Callable[..., dict[str, str]]


class Stage:
    """A service that can be killed and frozen, and started again at the same address."""

    def __init__(self, service: Path, stack: ExitStack, settings: dict[str, str]) -> None:
        """Start the service."""
        self._service, self._stack, self._settings = service, stack, settings
        self._port = "0"
        self.start()

    def start(self) -> None:
        """Start the service, where it has been before."""
        options = ("--port", self._port)
        serving = started(interpreter(self._service), self._service, *options, **self._settings)
        self.server = self._stack.enter_context(serving)
        self._port = str(urlsplit(self.server.url).port)

    def kill(self) -> None:
        """End the service as a crash does."""
        self._signal(signal.SIGKILL)
        self.server.process.wait(10)

    def freeze(self) -> None:
        """Let the service stand still, with its connections open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        os.killpg(self.server.process.pid, number)


@pytest.fixture(scope="module", params=EVERY_MODE)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a service with views to try a client with, and a page that tries it."""
    folder = tmp_path_factory.mktemp("service")
    service = generate(folder, ROOT, async_mode=request.param)
    package = service / "src" / package_of(service)
    (package / "views" / "lab.py").write_text(VIEWS)
    (package / "static" / "behaviours.html").write_text(PAGE)
    shutil.copy(BEHAVIOURS, package / "static")
    official = installed(OFFICIAL) / "socket.io-client" / "dist" / "socket.io.esm.min.js"
    shutil.copy(official, package / "static" / "official.js")
    return service


@pytest.fixture
def perform(service: Path, tmp_path: Path) -> Iterator[Perform]:
    """`perform(client, ...)`: what a client does otherwise than is expected, by behaviour."""
    with ExitStack() as stack:

        def perform(
            client: str, transport: str = "websocket", websocket: str = "", **settings: str
        ) -> dict[str, str]:
            stage = Stage(service, stack, SETTINGS | settings)
            asked = {"client": CLIENTS[client], "transport": transport, "websocket": websocket}
            url = f"{stage.server.url}/static/behaviours.html?{urlencode(asked)}"
            browser = stack.enter_context(browsing(url, tmp_path / "browser"))
            # Connections fail on purpose here, and Chromium says so in many ways.
            browser.forgiven = ("",)
            driver = browser.driver
            eventually(lambda: driver.execute_script("return Boolean(window.play)"))
            driver.execute_script("window.play(arguments[0])", not (websocket or settings))
            deadline = time.monotonic() + ENDS_WITHIN
            while not driver.execute_script("return window.over") and time.monotonic() < deadline:
                if wanted := driver.execute_script("return window.wanted"):
                    getattr(stage, wanted)()
                    driver.execute_script("window.wanted = ''; window.done()")
                time.sleep(0.05)
            results = driver.execute_script("return window.results")
            assert driver.execute_script("return window.over"), results
            return {name: found for name, found in results.items() if found != "as expected"}

        yield perform


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_does_what_is_expected(perform: Perform, client: str) -> None:
    assert perform(client) == {}


def test_our_client_does_the_same_in_a_browser_without_websockets(perform: Perform) -> None:
    # The official one falls back from a websocket that fails, but not from one that is not there.
    assert perform("ours", "polling", websocket="none") == {}


@pytest.mark.full
@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_does_the_same_where_the_server_takes_no_websocket(
    perform: Perform, client: str
) -> None:
    assert perform(client, "polling", TRANSPORTS="polling") == {}


def cases(module: Path, script: str, place: Path) -> dict[str, Any]:
    """Return what a script of the tests gets of a module for pages, case by case.

    :param module: the module, as the service has it.
    :param script: the name of the script.
    :param place: an empty folder.
    """
    # Node takes it for a module by its name.
    copy = place / f"{module.stem}.mjs"
    shutil.copy(module, copy)
    done = subprocess.run(
        [program("node"), Path(__file__).with_name(script), copy.as_uri()],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def seen(baked: Bake, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return who is in a room, as the module for presence has it."""
    service = baked(starter="minimal")
    module = service / "src" / package_of(service) / PRESENCE
    return cases(module, "presence.mjs", tmp_path_factory.mktemp("client"))


def present(**metas: Any) -> list[dict[str, Any]]:
    """Return who is in a room, as a page gets it: the metas by key."""
    return [{"key": key, "metas": of_key} for key, of_key in metas.items()]


CHANGE = ["change", "tea"]


def test_a_room_has_whom_its_state_names(seen: dict[str, Any]) -> None:
    before, tea, coffee = seen["state"]
    ada: list[Any] = [{"away": False}, {"away": True}]
    bob: list[Any] = [{}]
    assert before == coffee == [[], [], 0]
    told = [["join", "tea", "ada", ada], ["join", "tea", "bob", bob], CHANGE]
    assert tea == [told, present(ada=ada, bob=bob), 1500]


def test_a_diff_says_who_comes_and_goes(seen: dict[str, Any]) -> None:
    told = [["leave", "tea", "bob", [{"name": "Bob"}]], ["join", "tea", "cem", [{}]], CHANGE]
    assert seen["diff"] == [told, present(ada=[{}], cem=[{}]), 2]


def test_a_diff_that_comes_before_the_state_is_left_alone(seen: dict[str, Any]) -> None:
    assert seen["diffBeforeState"] == [[[], [], 0], present(bob=[{}])]


def test_who_was_there_stays_until_a_new_connection_has_a_state(seen: dict[str, Any]) -> None:
    ada, bob, cem = [{"name": "Ada"}], [{"name": "Bob"}], [{"name": "Cem"}]
    meanwhile, again, later = seen["reconnection"]
    assert meanwhile == [[], present(ada=ada, bob=bob), 2]
    told = [["leave", "tea", "bob", bob], ["join", "tea", "cem", cem], CHANGE]
    assert again == [told, present(ada=ada, cem=cem), 2]
    assert later == present(cem=cem)


def test_who_has_several_tabs_leaves_with_the_last_one(seen: dict[str, Any]) -> None:
    two, one, none = seen["severalTabs"]
    assert two == [[CHANGE], present(ada=[{"tab": 1}, {"tab": 2}]), 1]
    assert one == [[CHANGE], present(ada=[{"tab": 2}]), 1]
    assert none == [[["leave", "tea", "ada", [{"tab": 2}]], CHANGE], [], 0]


def test_what_is_updated_is_no_coming_and_no_going(seen: dict[str, Any]) -> None:
    updated, replaced = seen["update"]
    assert updated == [[CHANGE], present(ada=[{"away": True}, {"away": False}]), 1]
    assert replaced == [[CHANGE], present(ada=[{"away": False}]), 1]


def test_a_room_that_is_forgotten_is_not_known_any_more(seen: dict[str, Any]) -> None:
    assert seen["forget"] == [[[], [], 0], present(ada=[{}])]


def test_only_the_number_tells_of_those_whom_no_state_has_named(seen: dict[str, Any]) -> None:
    assert seen["unknown"] == [[CHANGE], present(ada=[{}]), 1999]


def test_a_key_may_be_any_text(seen: dict[str, Any]) -> None:
    assert seen["names"] == ["__proto__", "constructor"]


@pytest.fixture(scope="module")
def odd(baked: Bake, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what the client does before a server that does not keep to the protocol."""
    service = baked(starter="chat")
    module = service / "src" / package_of(service) / OURS
    return cases(module, "odd_server.mjs", tmp_path_factory.mktemp("client"))


def test_what_is_malformed_ends_the_connection_and_nothing_else(odd: dict[str, Any]) -> None:
    assert odd["malformed"]
    for packet, *found in odd["malformed"]:
        assert found == ["disconnect", "parse error", True, True, True], packet
    assert odd["malformedGreeting"] == "polling error"
    assert odd["reported"] == []


def test_what_nobody_asked_for_is_left_alone(odd: dict[str, Any]) -> None:
    told, sent = odd["harmless"]
    assert told == [["connect", None], ["said", 2], ["disconnect", "io client disconnect"]]
    assert sent == ["40/chat,", "3", "41/chat,"]


def test_binary_data_is_refused_before_it_is_sent(odd: dict[str, Any]) -> None:
    assert odd["binary"] == [["TypeError"] * 3, 0]


def test_an_error_in_a_handler_is_reported_and_stops_nothing(odd: dict[str, Any]) -> None:
    assert odd["handlers"] == [True, "on purpose", "no auth"]


def test_polling_that_was_needed_is_what_the_next_connection_begins_with(
    odd: dict[str, Any],
) -> None:
    websockets, *is_right, last = odd["silentWebSocket"]
    assert websockets == 1
    assert is_right == [True, True], "a request with too much in it"
    assert last == "41/chat,\x1e1"


def test_polling_that_opens_and_does_not_work_is_not_remembered(odd: dict[str, Any]) -> None:
    assert odd["pollingThatFindsNoSession"] is True


def test_delays_double_up_to_the_longest(odd: dict[str, Any]) -> None:
    assert odd["delays"] == [10, 20, 40, 50, 50]


def test_the_scripts_of_the_pages_have_no_errors_of_types(baked: Bake, tmp_path: Path) -> None:
    service = baked(starter="chat")
    package = service / "src" / package_of(service)
    shutil.copytree(package / "static", tmp_path / "static")
    # As a browser finds it from there.
    shutil.copytree((package / OURS).parent, tmp_path / "_client")
    # Without it, the files would be taken for scripts of Node that are no modules.
    (tmp_path / "package.json").write_text('{"type": "module"}')
    checker = installed("typescript@5.9") / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [program("node"), checker, *TYPED, *sorted(tmp_path.glob("*/*.js"))],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("starter", CHOICES["starter"])
@pytest.mark.parametrize("ours", [OURS, PRESENCE])
def test_every_service_serves_the_client_in_production_too(
    bake: Bake, starter: str, ours: str
) -> None:
    service = bake(starter=starter)
    url = f"/_client/{Path(ours).name}"
    with started(interpreter(service), service, **PRODUCTION) as server:
        got = ask(server, "GET", url)
        head = ask(server, "HEAD", url)
        again = ask(server, "GET", url, If_None_Match=got.headers["ETag"])
        other = ask(server, "GET", url, If_None_Match='"other"')
        metrics = server.get("/metrics")

    assert got.text == (service / "src" / package_of(service) / ours).read_text(encoding="utf-8")
    assert got.headers.get_content_type() == "text/javascript"
    assert got.headers["Cache-Control"] == "no-cache"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert (head.status, head.text, again.status, again.text) == (200, "", 304, "")
    assert head.headers["Content-Length"] == got.headers["Content-Length"]
    assert (other.status, other.text) == (200, got.text)
    assert 'view="_client.static"' in metrics


def test_beside_the_client_there_is_nothing(bake: Bake) -> None:
    service = bake(starter="minimal")
    script = """
client = create_app().test_client()
for name in ("nothing.js", "../client.py", ""):
    answer = client.get(f"/_client/{name}")
    answers.append([answer.status_code, answer.content_type])
"""
    assert ask_within(service, script) == [[404, "application/problem+json"]] * 3


def test_modules_are_javascript_whatever_windows_takes_them_for(bake: Bake) -> None:
    service = bake(starter="chat")
    script = """
import mimetypes
import sys

sys.platform = "win32"
mimetypes.add_type("text/plain", ".js")
client = create_app().test_client()
for path in ("/_client/socket.js", "/static/chat.js"):
    answers.append(client.get(path).mimetype)
"""
    assert ask_within(service, script) == ["text/javascript"] * 2


@contextmanager
def example(service: Path, heading: str, folder: Path) -> Iterator[tuple[Server, Browser]]:
    """Serve the first view of a section of the README, and open the page below it."""
    chapter = section(read(service), heading)
    view, (page,) = blocks(chapter, "python")[0], blocks(chapter, "html")
    views = service / "src" / package_of(service) / "views"
    (views / "example.py").write_text(view, encoding="utf-8")
    (views / "home.py").write_text(HOME.replace("{page}", page), encoding="utf-8")
    python = interpreter(service)
    for check in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]):
        subprocess.run([python, "-m", *check, views / "example.py"], cwd=service, check=True)
    with started(python, service) as server, browsing(server.url, folder) as browser:
        yield server, browser


def test_a_page_of_ones_own_imports_it_as_the_readme_says(bake: Bake, tmp_path: Path) -> None:
    with example(bake(starter="minimal"), "## Write a view", tmp_path / "browser") as (_, browser):
        browser.sees("output", "1 for tea, 0 for coffee")


def test_a_page_shows_who_is_there_as_the_readme_says(bake: Bake, tmp_path: Path) -> None:
    service = bake(starter="minimal")
    with (
        example(service, "## Who is there", tmp_path / "browser") as (server, browser),
        socketio.SimpleClient() as client,
    ):
        browser.sees("output", "1 here: Ada")
        client.connect(server.url, namespace="/lounge")
        client.call("join", ("sofa", "bob"))
        browser.sees("output", "2 here: Ada, Bob")
        client.call("away", ("sofa", "bob", True))
        assert json.loads(server.get("/lounge/sofa")) == ["ada", "bob"]
