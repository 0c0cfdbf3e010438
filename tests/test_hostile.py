# ruff: noqa: D103 - the name of a test says what it asserts
"""No stranger takes the service from the others: each attack, by raw sockets, on a real server."""

import itertools
import json
import re
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import once
from environments import interpreter
from hostile import (
    FLOODS,
    HALF_SENT,
    HOME,
    MALFORMED,
    MARK,
    MONSTERS,
    NO_PACKETS,
    PLACEHOLDER,
    ConnectionEnded,
    Polling,
    Probe,
    RefusedError,
    WebSocket,
    alive,
    connections,
    drip,
    event,
    flood,
    frame,
    held,
    is_ended,
    memory,
    request,
)
from server import Server, eventually, package_of, started

MODES = ("eventlet", "gevent", "threading")
EVERY_MODE = [
    "eventlet",
    *(pytest.param(mode, marks=pytest.mark.full) for mode in ("gevent", "threading")),
]
VIEW = '''
"""Views that remember what reached them."""

from typing import Any

from flask import abort, g, request
from flask_socketio import join_room, rooms

from ..extensions import socketio
from ..flask_view import FlaskView, on, route


class TargetView(FlaskView):
    """Answers at /target."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._calls: list[list[str]] = []

    def calls(self) -> list[list[str]]:
        """GET /target/calls: the clients that came and went."""
        return self._calls

    def authorize(self, action: str) -> None:
        """Name the user."""
        if action != "connect" and getattr(request, "sid", None):
            g.user = self.auth["user"]

    def socket_connect(self, auth: Any) -> None:
        """Let in whoever says a name."""
        if not isinstance(auth, dict) or "user" not in auth:
            abort(403, "Say a name.")
        g.user = auth["user"]
        self._calls.append(["connect", request.sid])

    def socket_disconnect(self) -> None:
        """Remember."""
        self._calls.append(["disconnect", request.sid])

    def socket_enter(self, room: str) -> None:
        """Join a room."""
        join_room(room)

    def socket_who(self) -> list[Any]:
        """Return who the client is, and its rooms."""
        return [request.sid, g.user, sorted(rooms())]

    def socket_number(self, number: int) -> int:
        """Return the number."""
        return number


class CatchView(FlaskView):
    """Answers at /catch, every event that there is."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._calls: list[Any] = []

    def calls(self) -> list[Any]:
        """GET /catch/calls: the events that came."""
        return self._calls

    @on("*")
    def anything(self, *arguments: Any) -> str:
        """Remember."""
        self._calls.append(repr(arguments))
        return "caught"


class DoorView(FlaskView):
    """Answers at /door: takes its time to decide, and speaks meanwhile."""

    def socket_connect(self, auth: Any) -> None:
        """Greet, wait, decide."""
        for number in range(auth.get("greetings", 1)):
            self.emit("greeting", [number, "x" * auth.get("size", 0)], to=request.sid)
        socketio.sleep(auth.get("seconds", 0))
        if auth.get("refuse"):
            abort(403, "No.")

    def socket_number(self, number: int) -> int:
        """Return the number."""
        return number

    @route("news/<int:number>", methods=["POST"])
    def news(self, number: int) -> None:
        """POST /door/news/<number>: tell everyone."""
        self.broadcast("news", number)


class OpenView(FlaskView):
    """Answers at /open, and lets everybody in."""

    def socket_number(self, number: int) -> int:
        """Return the number."""
        return number
'''
PRODUCTION = {"ENVIRONMENT": "production", "SECRET_KEY": "x" * 40}
"""Development bounds no address of the loopback network."""
FRIEND = "127.0.0.8"
MEGABYTE = 1_000_000
Serve = Callable[..., Server]


def stranger() -> str:
    """Return an address that nobody has come from yet, so that nothing is held against it."""
    high, low = divmod(next(_strangers), 250)
    return f"127.1.{high}.{low + 1}"


_strangers = itertools.count()


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that makes a service for a mode."""
    bake = once(tmp_path_factory)

    def make(mode: str) -> Path:
        service = bake(async_mode=mode, starter="minimal")
        source = service / "src" / package_of(service)
        (source / "views" / "target.py").write_text(VIEW)
        _hurry(source, "_PATIENCE_SECONDS", 5, 1)
        return service

    return make


def _hurry(source: Path, name: str, before: int, after: int) -> None:
    """Let a service lose its patience sooner, wherever it stands how much it has."""
    line = re.compile(rf"^{name} = ({before}|{after})$", re.MULTILINE)
    (module,) = (path for path in source.glob("**/*.py") if line.search(path.read_text()))
    module.write_text(line.sub(f"{name} = {after}", module.read_text()))


@pytest.fixture(scope="module")
def serve(make: Callable[[str], Path]) -> Iterator[Serve]:
    """Return a function that starts a service, or hands out one that an attack has left well."""
    known: dict[tuple[Any, ...], tuple[Server, ExitStack]] = {}

    def serve(mode: str = "eventlet", **settings: str) -> Server:
        key = (mode, *sorted(settings.items()))
        if key in known:
            server, stack = known[key]
            if _is_well(server):
                _printed_before[server.log] = len(server.printed())
                return server
            stack.close()
        stack = all_of_them.enter_context(ExitStack())
        service = make(mode)
        server = stack.enter_context(
            started(interpreter(service), service, **{"LOG_LEVEL": "INFO"} | settings)
        )
        known[key] = server, stack
        return server

    with ExitStack() as all_of_them:
        yield serve


def _is_well(server: Server) -> bool:
    try:
        return server.process.poll() is None and alive(server, stranger(), 1) < 1
    except (OSError, AssertionError):
        return False


def probe(server: Server, source: str = HOME, user: str = "ada") -> Probe:
    return Probe(server, "/target", source, {"user": user})


# How much of a log is of the tests before.
_printed_before: dict[Path, int] = {}


def printed(server: Server) -> str:
    """Return what a server has printed since it was handed out."""
    return server.printed()[_printed_before.get(server.log, 0) :]


def lines(server: Server, *texts: str) -> list[str]:
    """Return the lines of the log that have all these texts."""
    return [line for line in printed(server).splitlines() if all(text in line for text in texts)]


def assert_log_is_clean(server: Server) -> None:
    """Assert that the log has no traceback, and nothing of what was sent."""
    text = printed(server)
    found = re.search(rf"Traceback.*|{MARK}|9{{200}}|o{{200}}|n{{200}}|\[{{20}}", text, re.DOTALL)
    assert found is None, text[max(0, found.start() - 300) : found.start() + 3_000]


def answer(client: WebSocket) -> str:
    """Return the next packet that is no ping."""
    while (packet := client.packet(5)) == "2":
        client.send("3")
    return packet


def is_problem(ack: Any, *statuses: int) -> bool:
    """Tell whether an ack is a problem, with one of these statuses."""
    error = ack.get("error") if isinstance(ack, dict) else None
    return isinstance(error, dict) and error.get("status") in statuses


def is_served(server: Server, seconds: float = 1.0) -> bool:
    """Tell whether somebody from elsewhere connects, gets an ack, and an answer, all in time."""
    source = stranger()
    try:
        began = time.monotonic()
        with probe(server, source) as client:
            ack = client.call("number", 1, seconds=seconds)
        took = time.monotonic() - began
        return ack == 1 and took < seconds and alive(server, source, seconds) < seconds
    except (OSError, AssertionError, RefusedError, ConnectionEnded):
        return False


# Names that are none

# Half of them on one connection: too many end it.
NAMES: list[list[Any]] = [
    ["connect", "disconnect", "connect_error", "disconnecting", "newListener", "removeListener"],
    [1, None, {}, ["a"], True],
]


@pytest.mark.parametrize("mode", EVERY_MODE)
@pytest.mark.parametrize("form", ["with an ack", "without one", "binary"])
@pytest.mark.parametrize("namespace", ["/target", "/catch", "/"])
@pytest.mark.parametrize("names", NAMES, ids=["reserved", "no text"])
def test_a_name_that_is_none_reaches_no_handler_and_changes_nothing(
    serve: Serve, mode: str, form: str, namespace: str, names: list[Any]
) -> None:
    server = serve(mode)
    calls = f"{namespace}/calls"
    with Probe(server, namespace, auth={"user": "ada"}) as client:
        if namespace == "/target":
            client.call("enter", "inside")
        known, before = client.call("who"), server.get(calls)
        for number, name in enumerate(names, 1000):
            if form == "binary":
                where = "" if namespace == "/" else f"{namespace},"
                place = {"_placeholder": True, "num": 0}
                client.send(f"451-{where}{number}{json.dumps([name, place])}")
                client.send(b"an attachment")
            else:
                counted = number if form == "with an ack" else None
                client.send(event(name, {"user": "bob"}, namespace=namespace, number=counted))
            if form != "without one":
                assert is_problem(client.ack(number, 5), 400), name
        after = client.call("who")
        if namespace == "/target":
            assert (after, server.get(calls)) == (known, before)
            assert known[1:] == ["ada", sorted([known[0], "inside"])]
        elif namespace == "/catch":
            assert not [call for call in json.loads(server.get(calls)) if "'who'" not in call]
        else:
            assert is_problem(after, 404)
    assert_log_is_clean(server)


def test_nobody_acts_in_a_namespace_before_being_let_in(serve: Serve) -> None:
    server = serve()
    with WebSocket(server) as client:
        for packet in ('42/target,1["number",1]', '42/nowhere,2["x"]', '42/target,["enter","x"]'):
            client.send(packet)
        answers = [packet for packet in client.packets(1) if packet != "2"]
    # An answer is welcome, a handler is not.
    assert all('"error"' in packet for packet in answers), answers
    assert not lines(server, "TargetView.socket_number", client.sid)
    assert_log_is_clean(server)


# Floods


# Not with a line of the log: it left by itself.
LEFT = "packets 1"
CONNECTIONS = 8


class Flooder(threading.Thread):
    """A client that sends the same until it is dropped, and reads nothing."""

    def __init__(self, server: Server, kind: str, source: str) -> None:
        """Connect."""
        super().__init__(name=kind, daemon=True)
        self.websocket = WebSocket(server, source)
        self.websocket.send("40/open,")
        self._data = flood(kind, 5 * MEGABYTE)

    def run(self) -> None:
        """Send."""
        self.websocket.socket.settimeout(120)
        with suppress(OSError):
            while True:
                self.websocket.socket.sendall(self._data)

    @property
    def is_dropped(self) -> bool:
        """Whether the server has ended the connection, which a sender alone may hear of late."""
        ended = select.poll()
        ended.register(self.websocket.socket, select.POLLRDHUP)
        return not self.is_alive() or bool(ended.poll(0))


@contextmanager
def flooding(server: Server, *kinds: str) -> Iterator[list[Flooder]]:
    """Let clients send floods, all at a time, from one address; stop them at the end."""
    source = stranger()
    flooders = [Flooder(server, kind, source) for kind in kinds]
    try:
        for flooder in flooders:
            flooder.start()
        yield flooders
    finally:
        for flooder in flooders:
            with suppress(OSError):
                flooder.websocket.socket.shutdown(2)
        for flooder in flooders:
            flooder.join(10)
            flooder.websocket.socket.close()


def assert_nobody_waits(server: Server, flooders: list[Flooder]) -> None:
    """Assert that a client and a request are served all the time, until the flooders are gone."""
    begin = time.monotonic()
    still: list[str] = []
    with probe(server, FRIEND) as client:
        while (seconds := time.monotonic() - begin) < 2 or still:
            assert client.timed("number", 1, seconds=3) < 0.5
            assert alive(server, FRIEND, 3) < 0.5
            still = [flooder.name for flooder in flooders if not flooder.is_dropped]
            assert not still or seconds < 30, f"still here: {still}"
            time.sleep(0.05)


@pytest.mark.parametrize("mode", EVERY_MODE)
@pytest.mark.parametrize("kind", FLOODS)
def test_a_flood_holds_nobody_up_and_ends(serve: Serve, mode: str, kind: str) -> None:
    server = serve(mode, **PRODUCTION)
    with flooding(server, *[kind] * CONNECTIONS) as flooders:
        assert_nobody_waits(server, flooders)
    for flooder in flooders:
        dropped = lines(server, "Dropped", flooder.websocket.sid)
        assert len(dropped) == (0 if kind == LEFT else 1), dropped
    assert_log_is_clean(server)


@pytest.mark.parametrize("mode", MODES)
def test_all_floods_at_once_hold_nobody_up(serve: Serve, mode: str) -> None:
    server = serve(mode, **PRODUCTION)
    with flooding(server, *FLOODS) as flooders:
        assert_nobody_waits(server, flooders)
    assert_log_is_clean(server)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_frames_that_come_byte_by_byte_hold_nobody_up(serve: Serve, mode: str) -> None:
    server = serve(mode, **PRODUCTION)
    source = stranger()
    frames = itertools.cycle(frame('42/open,["number",1]', mask=b"mask"))
    with ExitStack() as stack, probe(server, FRIEND) as client:
        slow = [stack.enter_context(WebSocket(server, source)).socket for _ in range(100)]
        end = time.monotonic() + 2
        while time.monotonic() < end:
            for _ in range(10):
                drip(slow, bytes([next(frames)]))
            assert client.timed("number", 1, seconds=3) < 0.5
            assert alive(server, FRIEND, 3) < 0.5


# Memory

# A budget that is no matter here: what is asserted is what stays of a message.
ROOMY = {**PRODUCTION, "MAX_EVENTS_PER_SECOND": "10000"}


def grown(server: Server, before: float) -> float:
    """Return how many megabytes a service has grown by."""
    return memory(server) - before


def warm(server: Server) -> float:
    """Return the memory of a server that has handled the largest message of each kind."""
    with suppress(ConnectionEnded), WebSocket(server, stranger()) as client:
        client.send("40/open,")
        for _ in range(3):
            client.send(event("nothing", "x" * 900_000, namespace="/open"))
            client.send(f'451-/open,["nothing",{PLACEHOLDER}]')
            client.send(b"x" * 900_000)
        client.packets(0.5)
    return memory(server)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_a_message_with_millions_of_attachments_is_refused_at_once(serve: Serve, mode: str) -> None:
    server = serve(mode, **ROOMY)
    before = warm(server)
    with Probe(server, "/open", stranger()) as client:
        client.send(f'4545999999-/open,77["nothing",{PLACEHOLDER}]')
        assert is_problem(client.ack(77, 2), 400, 413)
        with suppress(ConnectionEnded):
            for _ in range(400):
                client.send(b"x" * 900_000)
        assert client.is_ended(5)
    assert grown(server, before) < 20
    assert_log_is_clean(server)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_attachments_are_together_as_large_as_a_message_at_most(serve: Serve, mode: str) -> None:
    server = serve(mode, **ROOMY)
    before = warm(server)
    with ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(Probe(server, "/open", stranger()))
            client.send(f'4550-/open,77["nothing",{PLACEHOLDER}]')
            with suppress(ConnectionEnded):
                for _ in range(49):
                    client.send(b"x" * 600_000)
            assert client.is_ended(5)
    assert grown(server, before) < 20
    assert is_served(server)
    assert_log_is_clean(server)


@pytest.mark.parametrize("mode", EVERY_MODE)
@pytest.mark.parametrize("namespace", ["/target", "/open", "/nowhere"])
def test_what_is_sent_along_to_connect_is_not_kept(serve: Serve, mode: str, namespace: str) -> None:
    server = serve(mode, **ROOMY)
    before = warm(server)
    source = stranger()
    with ExitStack() as stack:
        for _ in range(50):
            client = stack.enter_context(WebSocket(server, source))
            client.send(f"40{namespace},{json.dumps({'padding': 'x' * 900_000})}")
            # Accepted or refused, as it likes.
            with suppress(ConnectionEnded):
                assert client.packet(5)[:2] in ("40", "44")
        assert connections(server) >= 10
        assert grown(server, before) < 30
    assert_log_is_clean(server)


@pytest.mark.parametrize("mode", EVERY_MODE)
@pytest.mark.parametrize("what", MONSTERS)
def test_a_monstrous_packet_takes_no_memory_and_no_time(serve: Serve, mode: str, what: str) -> None:
    server = serve(mode, **ROOMY)
    before = warm(server)
    with (
        probe(server, stranger()) as other,
        Probe(server, "/open", stranger()) as client,
        suppress(ConnectionEnded),
    ):
        for _ in range(5):
            client.send(MONSTERS[what])
            assert other.timed("number", 1, seconds=3) < 0.5
        client.packets(0.2)
    assert grown(server, before) < 20
    assert_log_is_clean(server)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_one_connection_joins_no_more_than_there_is(serve: Serve, mode: str) -> None:
    server = serve(mode, **ROOMY)
    before = warm(server)
    with Probe(server, "/", stranger()) as client:
        answers = []
        with suppress(ConnectionEnded, TimeoutError):
            for number in range(2_000):
                client.send(f"40/n{number},{json.dumps({'padding': 'x' * 5_000})}")
                answers.append(answer(client))
        assert answers
        assert all(packet.startswith("44/n") for packet in answers)
        assert grown(server, before) < 10
    with Probe(server, "/open", stranger()) as client:
        with suppress(ConnectionEnded, TimeoutError):
            for _ in range(1_000):
                client.send("41/open,")
                client.send(f"40/open,{json.dumps({'padding': 'x' * 5_000})}")
                assert answer(client).startswith("40/open,")
        assert grown(server, before) < 10
    assert_log_is_clean(server)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_events_whose_attachments_never_come_take_no_memory(serve: Serve, mode: str) -> None:
    server = serve(mode, **ROOMY)
    before = warm(server)
    padding = "x" * 100_000
    with ExitStack() as stack:
        source = stranger()
        for _ in range(5):
            client = stack.enter_context(Probe(server, "/open", source))
            with suppress(ConnectionEnded):
                for number in range(1_000):
                    client.send(f'453-/open,{number}["nothing",{PLACEHOLDER},"{padding}"]')
                    client.send(b"x" * 10_000)
            client.packets(0.1)
        assert grown(server, before) < 20
    assert is_served(server)
    assert_log_is_clean(server)


# Places

CROWDED = {
    **PRODUCTION,
    "MAX_CONNECTIONS": "100",
    "MAX_CONNECTIONS_PER_ADDRESS": "20",
    # What an attack leaves behind is gone before the next one.
    "PING_INTERVAL": "2",
    "PING_TIMEOUT": "2",
}
# More than the server has places in all.
HOSTILE = 1_200


@pytest.fixture
def crowded(serve: Serve, request: pytest.FixtureRequest) -> Server:
    """Return a server with few places, all of them free."""
    server = serve(request.getfixturevalue("mode"), **CROWDED)
    eventually(lambda: connections(server, stranger()) == 0, 20)
    return server


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_one_address_cannot_take_all_places_by_polling(crowded: Server, mode: str) -> None:
    source = stranger()
    refused = 0
    for _ in range(200):
        try:
            Polling(crowded, source)
        except RefusedError as error:
            assert str(error).startswith("429")  # noqa: PT017 - those let in are not an error
            refused += 1
    assert refused > 100
    assert connections(crowded, FRIEND) < 50
    assert is_served(crowded)


@pytest.mark.parametrize("mode", EVERY_MODE)
@pytest.mark.parametrize("packet", ["", "40"], ids=["nothing", "the default namespace"])
def test_one_address_cannot_take_all_places_by_websockets_that_do_nothing(
    crowded: Server, mode: str, packet: str
) -> None:
    source = stranger()
    with ExitStack() as stack:
        for _ in range(200):
            with suppress(RefusedError, ConnectionEnded):
                client = stack.enter_context(WebSocket(crowded, source))
                if packet:
                    client.send(packet)
        assert connections(crowded, FRIEND) < 50
        assert is_served(crowded)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_who_is_in_nothing_but_an_empty_default_namespace_is_dropped(
    make: Callable[[str], Path], mode: str
) -> None:
    service = make(mode)
    _hurry(service / "src" / package_of(service), "_JOIN_SECONDS", 45, 2)
    try:
        with (
            started(interpreter(service), service) as server,
            probe(server) as member,
            Probe(server, "/") as idle,
        ):
            assert idle.is_ended(8)
            assert member.call("number", 1) == 1
    finally:
        _hurry(service / "src" / package_of(service), "_JOIN_SECONDS", 2, 45)


@pytest.mark.parametrize("mode", EVERY_MODE)
@pytest.mark.parametrize("kind", HALF_SENT)
def test_one_address_cannot_take_all_places_by_requests_without_an_end(
    crowded: Server, mode: str, kind: str
) -> None:
    with held(crowded, [HALF_SENT[kind]] * HOSTILE, stranger()) as slow:
        for _ in range(3):
            assert is_served(crowded)
            drip(slow)
    assert_log_is_clean(crowded)


@pytest.mark.parametrize("mode", EVERY_MODE)
@pytest.mark.parametrize(
    "path", ["/health/live", "/nothing", "/socket.io/?EIO=4&transport=polling&sid=none"]
)
def test_who_does_not_go_after_the_answer_holds_nobody_up(
    crowded: Server, mode: str, path: str
) -> None:
    asked = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    with held(crowded, [asked] * 100, stranger()):
        for _ in range(3):
            assert is_served(crowded)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_all_of_it_at_once_from_one_address_leaves_places_for_others(
    crowded: Server, mode: str
) -> None:
    source = stranger()
    with (
        held(crowded, list(HALF_SENT.values()) * (HOSTILE // len(HALF_SENT)), source) as slow,
        ExitStack() as stack,
    ):
        for _ in range(20):
            with suppress(RefusedError, ConnectionEnded, OSError):
                stack.enter_context(WebSocket(crowded, source)).send("40")
            with suppress(RefusedError, OSError):
                Polling(crowded, source)
            drip(slow)
        for _ in range(3):
            assert is_served(crowded)
            drip(slow)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_a_request_without_an_end_is_cut(serve: Serve, mode: str) -> None:
    server = serve(mode, **PRODUCTION)
    source = stranger()
    with (
        held(server, HALF_SENT.values(), source) as silent,
        held(server, HALF_SENT.values(), source) as dripping,
    ):
        deadline = time.monotonic() + 32
        while time.monotonic() < deadline - 10:
            drip(dripping)
            time.sleep(0.5)
        still = [
            kind
            for connections in (silent, dripping)
            for kind, connection in zip(HALF_SENT, connections, strict=True)
            if not is_ended(connection, max(0.1, deadline - time.monotonic()))
        ]
        assert not still
    assert_log_is_clean(server)


@pytest.mark.parametrize("mode", EVERY_MODE)
@pytest.mark.parametrize("kind", NO_PACKETS)
@pytest.mark.parametrize("end", ["close", "vanish"])
def test_a_place_is_free_as_soon_as_its_client_has_gone(
    crowded: Server, mode: str, kind: str, end: str
) -> None:
    clients = [WebSocket(crowded, stranger()) for _ in range(5)]
    for client in clients:
        client.send_raw(NO_PACKETS[kind])
    for client in clients:
        client.packets(0.1)
        # What follows the greeting is frames, and no response.
        assert b"HTTP/1." not in client.received
        client.vanish() if end == "vanish" else client.socket.close()
    eventually(lambda: connections(crowded, FRIEND) == 0, 2)
    assert_log_is_clean(crowded)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_the_place_of_a_client_that_falls_silent_is_free_after_its_ping(
    crowded: Server, mode: str
) -> None:
    with WebSocket(crowded, stranger()) as silent, probe(crowded, stranger()) as member:
        polling = Polling(crowded, stranger())
        deadline = time.monotonic() + 12
        while connections(crowded, FRIEND) > 1:
            assert member.call("number", 1) == 1
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert silent.is_ended(1)
        assert polling.post("40").status == 400


# Rates

SLOW = {**PRODUCTION, "MAX_EVENTS_PER_SECOND": "10", "ADDRESS_EVENTS_FACTOR": "2"}
SECONDS = 5.0


def _served_while_reconnecting(
    server: Server, source: Callable[[], str], user: str, namespace: str
) -> int:
    """Return how many events somebody gets answered who connects again for every few of them."""
    served = 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            with Probe(server, namespace, source(), {"user": user}) as client:
                for number in range(90):
                    client.send(event("number", number, namespace=namespace, number=number))
                while time.monotonic() < end and isinstance(client.ack(served % 90, 0.5), int):
                    served += 1
                    if served % 90 == 0:
                        break
        except (RefusedError, ConnectionEnded, OSError):
            time.sleep(0.05)
    return served


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_a_user_has_one_budget_over_all_connections_and_addresses(serve: Serve, mode: str) -> None:
    server = serve(mode, **SLOW)
    served = _served_while_reconnecting(server, stranger, "eve", "/target")
    # A burst of ten seconds' worth, and then ten a second.
    assert 50 < served < 1.3 * 10 * (10 + SECONDS)
    with probe(server, stranger(), "ada") as other:
        assert other.timed("number", 1) < 0.5


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_an_address_has_one_budget_over_all_connections_without_a_name(
    serve: Serve, mode: str
) -> None:
    server = serve(mode, **SLOW)
    source = stranger()
    served = _served_while_reconnecting(server, lambda: source, "", "/open")
    assert 50 < served < 1.3 * 20 * (10 + SECONDS)
    with Probe(server, "/open", stranger()) as other:
        assert other.timed("number", 1) < 0.5


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_requests_beyond_the_budget_of_an_address_are_told_when_to_come_again(
    serve: Serve, mode: str
) -> None:
    server = serve(mode, **SLOW)
    source = stranger()
    answers = [request(server, "GET", "/target/calls", source) for _ in range(300)]
    refused = [answer for answer in answers if answer.status != 200]
    assert {answer.status for answer in refused} == {429}
    assert 150 < len(answers) - len(refused) < 290
    problem = json.loads(refused[-1].text)
    assert refused[-1].headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == 429
    assert problem["retry_after"] >= 1
    assert refused[-1].headers["Retry-After"] == str(problem["retry_after"])
    assert request(server, "GET", "/target/calls", stranger()).status == 200
    time.sleep(problem["retry_after"])
    assert request(server, "GET", "/target/calls", source).status == 200


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_requests_and_events_have_one_budget(serve: Serve, mode: str) -> None:
    server = serve(mode, **SLOW)
    source = stranger()
    with ExitStack() as stack:
        with suppress(RefusedError, ConnectionEnded):
            # Each has a budget of its own for a hundred, and all together one for two hundred.
            for _ in range(4):
                client = stack.enter_context(Probe(server, "/open", source))
                for number in range(90):
                    client.send(event("number", number, namespace="/open"))
        statuses = [request(server, "GET", "/target/calls", source).status for _ in range(50)]
    assert 429 in statuses


# Messages that are none


@pytest.mark.parametrize("mode", EVERY_MODE)
@pytest.mark.parametrize("what", MALFORMED)
def test_a_message_that_is_none_is_a_line_without_it_and_an_ack_where_one_waits(
    serve: Serve, mode: str, what: str
) -> None:
    server = serve(mode)
    packets, waits = MALFORMED[what]
    # In the namespace that the packets are for.
    with Probe(server, "/") as client:
        client.send("40/open,")
        client.packet(5)
        for packet in packets:
            client.send(packet)
        if waits:
            assert is_problem(client.ack(1, 3), 400, 404)
        client.namespace = "/open"
        assert client.call("number", 5, seconds=3) == 5
        assert len(lines(server, "Refused", client.sid)) <= 2
    assert_log_is_clean(server)


@pytest.mark.parametrize("mode", EVERY_MODE)
@pytest.mark.parametrize("what", MALFORMED)
def test_a_message_that_is_none_is_a_line_also_in_a_request(
    serve: Serve, mode: str, what: str
) -> None:
    server = serve(mode)
    packets, _ = MALFORMED[what]
    client = Polling(server)
    client.post("40/open,")
    client.get()
    texts = [packet if isinstance(packet, str) else "bYXR0YWNoZWQ=" for packet in packets]
    assert client.post(*texts).status in (200, 400)
    assert_log_is_clean(server)
    assert alive(server) < 1


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_a_request_that_holds_no_packets_ends_its_session_only(serve: Serve, mode: str) -> None:
    server = serve(mode)
    for body in ("", MARK, f"9{MARK}", f"b{MARK}!", "\x1e\x1e\x1e", "4" + "\x1e4" * 6_000):
        client = Polling(server)
        assert client.post(body).status in (200, 400)
    assert_log_is_clean(server)
    assert is_served(server)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_who_sends_no_messages_again_and_again_is_dropped(serve: Serve, mode: str) -> None:
    server = serve(mode)
    with Probe(server, "/open") as client:
        began = time.monotonic()
        with suppress(ConnectionEnded):
            for number in range(200):
                client.send(f'42/open,{number}{{"{MARK}"')
        assert client.is_ended(10)
        seconds = time.monotonic() - began
    told = lines(server, client.sid)
    dropped = [line for line in told if "Dropped" in line]
    refused = [line for line in told if "event" not in line and line not in dropped]
    assert len(dropped) == 1
    assert len(refused) <= 2 + seconds
    assert_log_is_clean(server)


# Before a client is accepted, and after


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_what_is_sent_to_a_client_while_it_connects_follows_its_acceptance(
    serve: Serve, mode: str
) -> None:
    server = serve(mode)
    with WebSocket(server) as client:
        client.send(f"40/door,{json.dumps({'greetings': 5})}")
        first, *others = (client.packet(5) for _ in range(6))
    assert first.startswith("40/door,")
    assert [json.loads(other.partition(",")[2])[1][0] for other in others] == list(range(5))


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_what_everybody_is_told_reaches_a_client_after_it_is_accepted(
    serve: Serve, mode: str
) -> None:
    server = serve(mode)
    with WebSocket(server) as client:
        client.send(f"40/door,{json.dumps({'seconds': 0.7})}")
        time.sleep(0.2)
        for number in range(3):
            assert request(server, "POST", f"/door/news/{number}").status == 204
        packets = [packet for packet in client.packets(1.5) if packet != "2"]
    assert packets[0].startswith("40/door,")
    told = [json.loads(packet.partition(",")[2]) for packet in packets[1:]]
    assert told == [["greeting", [0, ""]], *(["news", number] for number in range(3))]


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_what_everybody_is_told_never_reaches_a_client_that_is_refused(
    serve: Serve, mode: str
) -> None:
    server = serve(mode)
    with WebSocket(server) as client:
        client.send(f"40/door,{json.dumps({'seconds': 0.7, 'refuse': True})}")
        time.sleep(0.2)
        assert request(server, "POST", "/door/news/1").status == 204
        packets = [packet for packet in client.packets(1.5) if packet != "2"]
        assert [packet.partition(",")[0] for packet in packets] == ["44/door"]
        # It may try again.
        client.send('40/door,{"greetings":0}')
        assert client.packet(5).startswith("40/door,")


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_what_waits_for_a_client_that_is_not_accepted_is_bounded(serve: Serve, mode: str) -> None:
    server = serve(mode, MAX_UNSENT_BYTES="1000000")
    with WebSocket(server) as client:
        told = {"greetings": 50, "size": 100_000, "seconds": 2, "refuse": True}
        client.send(f"40/door,{json.dumps(told)}")
        assert client.is_ended(5)
        assert b"x" * 1000 not in client.received
    assert is_served(server)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_a_fraction_of_a_second_between_pings_is_announced_as_it_is(
    serve: Serve, mode: str
) -> None:
    server = serve(mode, PING_INTERVAL="0.3", PING_TIMEOUT="0.5")
    with Probe(server, "/open") as client:
        assert client.opening["pingInterval"] == 300
        assert client.opening["pingTimeout"] == 500
        client.listen(3)
        assert client.call("number", 1) == 1
