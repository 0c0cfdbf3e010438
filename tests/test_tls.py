# ruff: noqa: D103 - the name of a test says what it asserts
"""A service behind a proxy that speaks TLS: what clients send comes as they sent it."""

import json
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
import socketio  # type: ignore[import-untyped]
import websocket
from conftest import Bake
from environments import interpreter
from nginx import CERTIFICATE, nginx
from server import package_of, started
from test_chat import free_port
from websocket import ABNF

PRODUCTION = {"ENVIRONMENT": "production", "SECRET_KEY": "x" * 32, "TRUSTED_PROXIES": "1"}
LARGE = 500_000
PARROT = '''
"""A view that says what it hears."""

from flask import request

from ..flask_view import FlaskView


class ParrotView(FlaskView):
    """Answers at /parrot."""

    def index(self) -> str:
        """GET /parrot: the URL of the request."""
        return request.url

    def socket_where(self) -> str:
        """Answer the event "where": the URL of the handshake."""
        return request.url

    def socket_say(self, text: str) -> str:
        """Answer the event "say": the same text."""
        return text
'''


@pytest.fixture(params=("eventlet", "gevent", "threading"))
def service(request: pytest.FixtureRequest, bake: Bake) -> Path:
    """Return a service that says what it hears."""
    service = bake(async_mode=request.param, starter="minimal")
    (service / "src" / package_of(service) / "views" / "parrot.py").write_text(PARROT)
    return service


@pytest.fixture(params=("true", "false"), ids=("quick", "libraries"))
def behind_tls(request: pytest.FixtureRequest, service: Path) -> Iterator[tuple[str, Path]]:
    """Start a service behind nginx; return where, without the scheme, and whom to believe."""
    port, settings = free_port(), {**PRODUCTION, "QUICK_PATH": request.param}
    with started(interpreter(service), service, **settings) as server:
        instance = int(server.url.rpartition(":")[2])
        with nginx(service, port, [instance], tls=True) as log:
            yield f"127.0.0.1:{port}", log.with_name(CERTIFICATE)


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
def test_a_client_is_answered_over_every_transport(
    behind_tls: tuple[str, Path], transports: list[str]
) -> None:
    where, authority = behind_tls
    session = requests.Session()
    # What the environment says of authorities would come first.
    session.trust_env = False
    session.verify = str(authority)
    options = {"ca_certs": str(authority)}
    client = socketio.Client(
        http_session=session, websocket_extra_options={"sslopt": options}, reconnection=False
    )
    try:
        client.connect(f"https://{where}", namespaces=["/parrot"], transports=transports)
        assert client.call("where", namespace="/parrot").startswith(f"https://{where}/")
        text = "\N{SNOWMAN}" + "x" * LARGE
        assert client.call("say", text, namespace="/parrot", timeout=20) == text
    finally:
        client.disconnect()
    assert session.get(f"https://{where}/parrot").text.startswith(f"https://{where}/")


def test_frames_come_in_pieces_with_pings_between(behind_tls: tuple[str, Path]) -> None:
    where, authority = behind_tls
    wire = websocket.create_connection(
        f"wss://{where}/socket.io/?EIO=4&transport=websocket",
        timeout=20,
        sslopt={"ca_certs": str(authority), "cert_reqs": ssl.CERT_REQUIRED},
    )
    with closing(wire):
        assert str(wire.recv()).startswith("0{")
        wire.send("40/parrot,")
        assert str(wire.recv()).startswith("40/parrot,")
        said = json.dumps(["say", "in three pieces"])
        packet = f"42/parrot,7{said}"
        wire.send_frame(ABNF.create_frame(packet[:10], ABNF.OPCODE_TEXT, 0))
        wire.ping("still there?")
        wire.send_frame(ABNF.create_frame(packet[10:20], ABNF.OPCODE_CONT, 0))
        wire.send_frame(ABNF.create_frame(packet[20:], ABNF.OPCODE_CONT, 1))
        opcode, payload = wire.recv_data(control_frame=True)
        assert (opcode, payload) == (ABNF.OPCODE_PONG, b"still there?")
        assert wire.recv() == '43/parrot,7["in three pieces"]'
