# ruff: noqa: D103 - the name of a test says what it asserts
"""A service as it is deployed: real nginx, with its own file, instances and a broker behind it."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import socketio  # type: ignore[import-untyped]
import websocket
from conftest import Bake
from environments import interpreter
from nginx import ADDRESS, nginx
from packages import installed
from postgresql import postgresql
from programs import program
from server import HANDSHAKE, Server, eventually, package_of, running
from socketio.exceptions import SocketIOError  # type: ignore[import-untyped]
from test_chat import (
    EVERY_MODE,
    Talker,
    assert_has_everything,
    everything_stored,
    free_port,
    migrate,
    redis,
    with_headers,
)

TRANSPORTS = (["polling"], ["websocket"], ["polling", "websocket"])
# Between two messages or requests of one client, in seconds: the machine has other work to do.
PAUSE = 0.1
# How long a client may be away, in seconds: its own pauses between attempts, and a slow machine.
BACK_WITHIN = 20.0
PROBE = '''
"""What a client finds behind the proxy."""

import os

from flask import request
from flask_socketio import join_room

from ..flask_view import FlaskView, route


class ProbeView(FlaskView):
    """Answers at /probe."""

    def index(self) -> dict[str, object]:
        """GET /probe: where the request came from, and where it went."""
        return {"process": os.getpid(), "address": request.remote_addr, "url": request.url}

    def post(self) -> dict[str, object]:
        """POST /probe: the same."""
        return self.index()

    def socket_where(self) -> dict[str, object]:
        """Answer the event "where": the same."""
        return self.index()

    def socket_join(self, room: str) -> None:
        """Join a room."""
        join_room(room)

    def socket_tell(self, room: str, text: str) -> None:
        """Tell those in a room."""
        self.emit("told", text, to=room)

    def socket_shout(self, text: str) -> None:
        """Tell everyone."""
        self.broadcast("shouted", text)
'''


class Deployment:
    """Two instances of a service behind nginx, joined by a broker, each to be stopped alone."""

    def __init__(self, service: Path, **settings: str) -> None:
        """Choose the ports; see `deployed`."""
        self.service = service
        self.broker, self.port, *self.ports = (free_port() for _ in range(4))
        self.settings = {
            "ENVIRONMENT": "production",
            "SECRET_KEY": "x" * 32,
            "MESSAGE_QUEUE_URL": f"redis://127.0.0.1:{self.broker}",
            "TRUSTED_PROXIES": "1",
            **settings,
        }
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = Path()
        """Where nginx writes a line for each request."""
        self.instances: dict[int, Server] = {}
        self._ends: dict[int, ExitStack] = {}
        self._broker = ExitStack()

    def start(self, which: int) -> None:
        """Start an instance, at the port that it always has."""
        package, port = package_of(self.service), str(self.ports[which])
        command = [str(interpreter(self.service)), "-m", package, "run", "--port", port]
        self._ends[which] = ExitStack()
        run = running(command, self.service, **self.settings)
        self.instances[which] = self._ends[which].enter_context(run)

    def kill(self, which: int) -> None:
        """Kill an instance, without a chance to say so."""
        self._ends.pop(which).close()

    def restart(self, which: int) -> None:
        """Stop an instance as a service manager does, and start it again when it has ended."""
        process = self.instances[which].process
        self.instances[which].terminate()
        assert process.wait(30) == 0
        self.kill(which)
        self.start(which)

    def start_broker(self) -> None:
        """Start the broker, at the port that it always has."""
        self._broker.enter_context(redis(self.broker))

    def stop_broker(self) -> None:
        """Stop the broker."""
        self._broker.close()

    def stop(self) -> None:
        """End what runs."""
        for which in list(self._ends):
            self.kill(which)
        self.stop_broker()

    def ask(self, path: str = "/probe", method: str = "GET", **headers: str) -> tuple[int, str]:
        """Send a request through nginx, and return the status and the text of the answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, headers=named, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def process(self, address: str) -> int:
        """Return the process that answers requests from an address."""
        status, text = self.ask(**{ADDRESS: address})
        assert status == 200, text
        process: int = json.loads(text)["process"]
        return process

    def addresses(self) -> list[str]:
        """Return an address that leads to the first instance, and one that leads to the second."""
        processes = {
            self.process(address): address for address in map("10.0.0.{}".format, range(32))
        }
        own = [json.loads(self.instances[which].get("/probe"))["process"] for which in (0, 1)]
        return [processes[process] for process in own]


@contextmanager
def deployed(service: Path, **settings: str) -> Iterator[Deployment]:
    """Start a broker, two instances, and nginx in front of them; stop all of it at the end.

    :param service: the folder of the service, which gets one more view.
    :param settings: variables of the instances.
    """
    (service / "src" / package_of(service) / "views" / "probe.py").write_text(PROBE)
    deployment = Deployment(service, **settings)
    with ExitStack() as stack:
        stack.callback(deployment.stop)
        deployment.start_broker()
        deployment.log = stack.enter_context(nginx(service, deployment.port, deployment.ports))
        for which in (0, 1):
            deployment.start(which)
        yield deployment


class Guest:
    """A client at an address, that comes back whenever the connection is lost."""

    def __init__(self, url: str, address: str, transports: list[str]) -> None:
        """Connect, and join a room that bears the name of the transports."""
        self.room = ",".join(transports)
        self.heard: list[str] = []
        self.client = socketio.Client(
            handle_sigint=False,
            http_session=with_headers({ADDRESS: address}),
            reconnection_delay=0.1,
            reconnection_delay_max=1,
        )
        self.client.on("told", self.heard.append, "/probe")
        self.client.on("shouted", self.heard.append, "/probe")
        self.client.connect(
            url,
            {ADDRESS: address},
            namespaces=["/probe"],
            transports=transports,
            wait_timeout=30,
        )

    def call(self, event: str, *arguments: object) -> Any:
        """Send an event and return its ack."""
        return self.client.call(event, arguments, namespace="/probe", timeout=10)

    def process(self) -> int:
        """Return the process that answers, or nothing while none does."""
        try:
            answer = self.client.call("where", namespace="/probe", timeout=2)
        except SocketIOError:
            return 0
        process: int = answer["process"]
        return process


@pytest.fixture
def guests() -> Iterator[list[Guest]]:
    """Return a list for the guests of a test, who leave at its end."""
    found: list[Guest] = []
    yield found
    for guest in found:
        guest.client.shutdown()


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_rooms_and_broadcasts_cross_instances(bake: Bake, mode: str, guests: list[Guest]) -> None:
    with deployed(bake(starter="minimal", async_mode=mode)) as deployment:
        addresses = deployment.addresses()
        for transports in TRANSPORTS:
            here, there, outside = (
                Guest(deployment.url, address, transports) for address in (*addresses, addresses[1])
            )
            guests += [here, there, outside]
            # One address is one instance, for sessions and requests alike.
            processes = [deployment.process(address) for address in addresses]
            assert [here.process(), there.process()] == processes
            assert processes[0] != processes[1]
            assert here.client.transport() == transports[-1]
            here.call("join", here.room)
            there.call("join", there.room)
            here.call("tell", here.room, "to the room")
            eventually(partial(all_have, [here, there], "to the room"))
            there.call("shout", f"by {there.room}")
            eventually(partial(all_have, [here, there, outside], f"by {there.room}"))
            assert here.heard == there.heard == ["to the room", *outside.heard]
            for guest in (here, there, outside):
                guest.client.disconnect()


def all_have(guests: list[Guest], text: str) -> bool:
    """Tell whether all guests have heard something."""
    return all(text in guest.heard for guest in guests)


def test_the_service_knows_its_clients_and_no_forged_address(bake: Bake) -> None:
    with deployed(bake(starter="minimal")) as deployment:
        forged = {
            "Forwarded": "for=6.6.6.6;host=evil.example;proto=https",
            "X_Forwarded_Host": "evil.example",
            "X_Forwarded_Port": "666",
            "X_Forwarded_Prefix": "/evil",
            "X_Forwarded_Proto": "https",
        }
        # What is in front of nginx has added the last address; the first one is a claim.
        status, text = deployment.ask(**forged, **{ADDRESS: "6.6.6.6, 10.0.0.7"})
        assert status == 200
        found = json.loads(text)
        assert (found["address"], found["url"]) == ("10.0.0.7", f"{deployment.url}/probe")

        handshake = "/socket.io/?EIO=4&transport=polling"
        assert deployment.ask(handshake, Origin=deployment.url)[0] == 200
        assert deployment.ask(handshake, Origin="http://evil.example", **forged)[0] == 403

        assert deployment.ask("/health/live")[0] == 200
        for path in ("/metrics", "/metrics/", "//metrics", "/%6detrics", "/health/ready"):
            status, text = deployment.ask(path)
            assert status == 404, path
            assert "<center>nginx" in text, path


HOSTILE, HELD = "127.0.0.2", 1_000
# What nginx lets one address hold: of requests and websockets, and of bodies that are not complete.
CONNECTIONS, BODIES = 500, 100
AT_ONCE = 1.0
HALF_A_HEAD = b"GET /probe HTTP/1.1\r\nHost: x\r\nX-Slow: "
HALF_A_BODY = b"POST /probe HTTP/1.0\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"
TOO_MANY = "Too much comes from this address."


class Visitor:
    """A client at an address of its own, with no header that says so."""

    def __init__(self, deployment: Deployment, address: str) -> None:
        """Know the way."""
        self.port, self.address = deployment.port, address

    def connection(self) -> socket.socket:
        """Return a connection to nginx, to be closed by the caller."""
        return socket.create_connection(("127.0.0.1", self.port), 10, (self.address, 0))

    def ask(self, path: str) -> tuple[int, str]:
        """Send a request on a connection of its own, and return the status and the text."""
        connection = HTTPConnection("127.0.0.1", self.port, 10, (self.address, 0))
        with closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def call(self) -> int:
        """Connect by websocket, and return the process that acknowledges an event."""
        client = websocket.create_connection(
            f"ws://127.0.0.1:{self.port}/socket.io/?EIO=4&transport=websocket",
            socket=self.connection(),
        )
        with closing(client):
            client.send("40/probe,")
            client.send('42/probe,1["where"]')
            while not (packet := str(client.recv())).startswith("43/probe,1"):
                assert packet
            process: int = json.loads(packet.removeprefix("43/probe,1"))[0]["process"]
            return process


class Flood:
    """Connections of one address that are held open, and requests as fast as they are answered."""

    def __init__(self, visitor: Visitor, stack: ExitStack) -> None:
        """Hold connections of each kind, and let the requests begin."""
        self.visitor = visitor
        self.answers: Counter[int] = Counter()
        handshake = HANDSHAKE.format("x").encode()
        kinds = [HALF_A_HEAD] * 300 + [HALF_A_BODY] * 150 + [handshake] * (HELD - 450)
        self.held = [stack.enter_context(closing(visitor.connection())) for _ in kinds]
        for connection, sent in zip(self.held, kinds, strict=True):
            connection.sendall(sent)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(2)]
        for thread in self._threads:
            thread.start()
        stack.callback(self.stop)

    def _ask(self) -> None:
        while not self._stop.is_set():
            status, text = self.visitor.ask("/probe")
            self.answers[status] += 1
            assert (TOO_MANY in text) == (status == 429)

    def refused(self) -> int:
        """Return how many of the connections nginx has refused, and not cut yet."""
        return sum(b"429 Too Many" in peeked(connection) for connection in self.held)

    def open(self) -> int:
        """Return how many of the connections with half a request are open."""
        return sum(peeked(connection) == b"?" for connection in self.held[:450])

    def stop(self) -> None:
        """Let the requests end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(30)


def peeked(connection: socket.socket) -> bytes:
    """Return what a client would read next: nothing at the end, "?" while it has to wait."""
    connection.setblocking(False)
    try:
        return connection.recv(1024, socket.MSG_PEEK)
    except BlockingIOError:
        return b"?"
    except OSError:
        return b""


@pytest.mark.skipif(sys.platform != "linux", reason="all of 127/8 is local on Linux")
@pytest.mark.parametrize("mode", EVERY_MODE)
def test_a_flood_from_one_address_keeps_no_other_out(bake: Bake, mode: str) -> None:
    with deployed(bake(starter="minimal", async_mode=mode)) as deployment, ExitStack() as stack:
        friends = [Visitor(deployment, f"127.0.0.{number}") for number in range(3, 10)]
        # Some are led to the instance that is flooded, some to the other.
        assert len({friend.call() for friend in friends}) == 2

        flood = Flood(Visitor(deployment, HOSTILE), stack)
        eventually(lambda: flood.refused() >= HELD - 300 - CONNECTIONS)
        eventually(lambda: flood.answers[429])
        took = []
        for friend in friends * 3:
            started = time.monotonic()
            assert friend.ask("/health/live")[0] == 200
            asked = time.monotonic()
            assert friend.call()
            took += [asked - started, time.monotonic() - asked]
        # One in ten may be late: the machine has other work to do.
        assert sorted(took)[len(took) * 9 // 10] < AT_ONCE, took
        # Half a request is not waited for any longer.
        eventually(lambda: not flood.open(), 30)
        flood.stop()
        assert set(flood.answers) <= {200, 429}


@pytest.mark.parametrize(
    ("addresses", "refuses"),
    [
        (["2001:db8:1:2::{:x}", "2001:db8:1:2:{:x}:1:1:1"], True),
        (["2001:db8:1:{:x}::1"], False),
        (["::ffff:10.0.1.{}"], False),
        (["10.0.2.{}"], False),
    ],
)
def test_an_address_is_limited_and_with_ipv6_its_network(
    baked: Bake, addresses: list[str], refuses: bool
) -> None:
    port = free_port()
    with nginx(baked(), port, [free_port()]), ExitStack() as stack:
        held = []
        for number in range(1, 2 * BODIES):
            connection = socket.create_connection(("127.0.0.1", port), 10)
            held.append(stack.enter_context(closing(connection)))
            address = addresses[number % len(addresses)].format(number)
            connection.sendall(HALF_A_BODY.replace(b"Host: x", f"{ADDRESS}: {address}".encode()))

        def refused() -> int:
            return sum(b" 429 " in peeked(each) for each in held)

        eventually(lambda: refused() >= (BODIES - 1 if refuses else 0))
        for connection in held:
            if peeked(connection) == b"?":
                connection.sendall(b" " * 999)
        # There is no instance that could answer those that nginx lets through.
        eventually(lambda: all(peeked(connection) != b"?" for connection in held))
        assert refused() == (BODIES - 1 if refuses else 0)
        assert all(b" 502 " in peeked(each) or b" 429 " in peeked(each) for each in held)


def test_what_nginx_refuses_is_a_problem_like_any_other(baked: Bake) -> None:
    port = free_port()
    with nginx(baked(), port, [free_port()]), ExitStack() as stack:
        held = []
        for _ in range(BODIES + 1):
            connection = socket.create_connection(("127.0.0.1", port), 10)
            held.append(stack.enter_context(closing(connection)))
            connection.sendall(HALF_A_BODY)

        def refused() -> socket.socket | None:
            return next((each for each in held if b" 429 " in peeked(each)), None)

        told = eventually(refused)
        assert told
        told.settimeout(10)
        answer = HTTPResponse(told)
        answer.begin()
        problem = json.loads(answer.read())
        assert (problem["status"], problem["title"]) == (429, "Too Many Requests")
        assert problem["detail"].startswith(TOO_MANY)
        assert answer.headers["Retry-After"] == str(problem["retry_after"])
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_query_string_is_in_no_log_of_nginx(bake: Bake) -> None:
    with deployed(bake(starter="minimal")) as deployment:
        query = "?EIO=4&transport=polling&token=secret"
        assert deployment.ask(f"/socket.io/{query}", Referer=f"http://x/{query}")[0] == 200
        for which in (0, 1):
            deployment.kill(which)
        assert deployment.ask(f"/probe{query}")[0] == 502
        eventually(lambda: '"GET /probe" 502 ' in deployment.log.read_text())
        text = deployment.log.read_text() + deployment.log.with_name("log").read_text()
        assert '"GET /socket.io/" 200 ' in text
        assert "secret" not in text


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_clients_of_a_killed_instance_are_back_within_seconds(
    bake: Bake, mode: str, guests: list[Guest]
) -> None:
    with deployed(bake(starter="minimal", async_mode=mode)) as deployment:
        addresses = deployment.addresses()
        guests += [
            Guest(deployment.url, address, transports)
            for address in addresses
            for transports in TRANSPORTS
        ]
        survivor = deployment.process(addresses[1])

        deployment.kill(0)
        killed = time.monotonic()
        for method in ("GET", "POST"):
            status, text = deployment.ask(method=method, **{ADDRESS: addresses[0]})
            assert (status, json.loads(text)["process"]) == (200, survivor)
        for guest in guests:
            eventually(partial(is_at, guest, survivor), BACK_WITHIN)
        assert time.monotonic() - killed < BACK_WITHIN

        deployment.start(0)
        successor = deployment.process(addresses[0])
        assert successor != survivor
        # Their addresses lead to the first instance again; their sessions stay where they are.
        assert {guest.process() for guest in guests} == {survivor}


def is_at(guest: Guest, process: int) -> bool:
    """Tell whether it is a process that answers a guest."""
    return guest.process() == process


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_instances_hear_each_other_again_when_the_broker_is_back(
    bake: Bake, mode: str, guests: list[Guest]
) -> None:
    with deployed(bake(starter="minimal", async_mode=mode)) as deployment:
        here, there = (
            Guest(deployment.url, address, ["websocket"]) for address in deployment.addresses()
        )
        guests += [here, there]
        processes = here.process(), there.process()
        deployment.stop_broker()
        # Those of one instance need no broker.
        here.call("shout", "alone")
        eventually(lambda: "alone" in here.heard)

        deployment.start_broker()

        def reaches(one: Guest, other: Guest) -> bool:
            one.call("shout", "together")
            return "together" in other.heard

        eventually(partial(reaches, here, there))
        eventually(partial(reaches, there, here))
        assert (here.process(), there.process()) == processes


class Timed(Talker):
    """Somebody who notes the longest time that a message took to be acknowledged."""

    longest = 0.0

    def say(self, text: str) -> None:
        """Say something until it is acknowledged."""
        started = time.monotonic()
        super().say(text)
        self.longest = max(self.longest, time.monotonic() - started)
        time.sleep(PAUSE)


class Page:
    """People who talk over the official JavaScript client, in a process of their own."""

    def __init__(self, url: str, people: list[dict[str, Any]]) -> None:
        """Let them begin."""
        self.lines: list[str] = []
        self.names = [person["name"] for person in people]
        node, modules = program("node"), installed("socket.io-client@4.8.4")
        self.process = subprocess.Popen(
            [
                node,
                Path(__file__).with_name("talkers.js"),
                url,
                *map(json.dumps, people),
            ],
            env=os.environ | {"NODE_PATH": str(modules)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def said(self) -> dict[str, int]:
        """Return how many messages of each are acknowledged."""
        found = dict.fromkeys(self.names, 0)
        for line in self.lines:
            name, number = line.split()
            found[name] = int(number)
        return found

    def end(self) -> list[dict[str, Any]]:
        """Let them stop, and return what each of them has."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(60) == 0
        self._reader.join(10)
        found: list[dict[str, Any]] = json.loads(self.lines[-1])
        return found

    def stop(self) -> None:
        """End the process, if it still runs."""
        self.process.kill()
        self.process.wait(10)
        self._reader.join(10)


class Visitors:
    """Those who send one request after the other, each of which has to succeed at once."""

    def __init__(self, deployment: Deployment, talker: Talker, address: str) -> None:
        """Let them begin."""
        self.failures: list[str] = []
        self.acknowledged: dict[int, str] = {}
        self.requests = 0
        self._stop = threading.Event()
        self._deployment, self._address = deployment, address
        self._authorization = f"Bearer {talker.token}"
        self._threads = [threading.Thread(target=each) for each in (self._read, self._write)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        while not self._stop.wait(PAUSE):
            self._send("GET", "/chat/lobby/messages?limit=1")

    def _write(self) -> None:
        while not self._stop.wait(PAUSE):
            text = f"{self._address} {self.requests}"
            body = {"text": text, "client_id": str(uuid4())}
            message = self._send("POST", "/chat/lobby/messages", json.dumps(body).encode())
            if message:
                self.acknowledged[message["id"]] = text

    def _send(self, method: str, path: str, body: bytes | None = None) -> Any:
        headers = {
            ADDRESS: self._address,
            "Authorization": self._authorization,
            "Content-Type": "application/json",
        }
        request = urllib.request.Request(  # noqa: S310
            self._deployment.url + path, body, headers, method=method
        )
        self.requests += 1
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.loads(answer.read())
        except (OSError, ValueError) as error:
            self.failures.append(f"{method}: {error}")
            return None

    def stop(self) -> None:
        """Let them stop."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_a_rolling_restart_goes_unnoticed(bake: Bake, mode: str) -> None:
    service = bake(starter="chat", async_mode=mode)
    with ExitStack() as stack:
        database = stack.enter_context(postgresql())
        migrate(service, database)
        deployment = stack.enter_context(
            deployed(service, DATABASE_URL=database, DRAIN_SECONDS="4")
        )
        addresses = deployment.addresses()
        talkers = [
            Timed(deployment.url, f"{transport}{which}", transport, **{ADDRESS: address})
            for which, address in enumerate(addresses)
            for transport in ("polling", "websocket")
        ]
        stop = threading.Event()
        threads = [threading.Thread(target=talker.talk, args=(stop,)) for talker in talkers]
        for talker in talkers:
            stack.callback(talker.client.shutdown)
        stack.callback(stop.set)
        for thread in threads:
            thread.start()
        people = [
            {"name": f"js{len(transports)}{transports[0]}{which}", "transports": transports}
            | {"address": address, "token": talkers[0].token}
            for which, address in enumerate(addresses)
            for transports in TRANSPORTS
        ]
        page = Page(deployment.url, people)
        stack.callback(page.stop)
        visitors = [Visitors(deployment, talkers[0], address) for address in addresses]
        for each in visitors:
            stack.callback(each.stop)

        for which in (0, 1):
            everybody_talks(talkers, page)
            deployment.restart(which)
        everybody_talks(talkers, page)

        stop.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        for each in visitors:
            each.stop()
        for talker in talkers:
            talker.catch_up()
        pages = page.end()
        stored = everything_stored(talkers[0])

    assert [failure for each in visitors for failure in each.failures] == []
    for talker in talkers:
        assert_has_everything(stored, talker.acknowledged, talker.heard)
        assert talker.longest < BACK_WITHIN
    for found in pages:
        acknowledged, heard = (
            {int(number): text for number, text in found[what].items()}
            for what in ("acknowledged", "heard")
        )
        assert_has_everything(stored, acknowledged, heard)
        assert found["longest"] < BACK_WITHIN * 1000
    for each in visitors:
        assert {number: stored.get(number) for number in each.acknowledged} == each.acknowledged


def everybody_talks(talkers: list[Timed], page: Page) -> None:
    """Wait until everybody is in the middle of talking."""

    def said() -> dict[str, int]:
        return page.said() | {talker.name: len(talker.acknowledged) for talker in talkers}

    before = said()
    eventually(lambda: all(said()[name] >= before[name] + 5 for name in before))
