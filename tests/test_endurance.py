# ruff: noqa: D103 - the name of a test says what it asserts
"""The chat under everything at once, for ten minutes: guests, strangers, ends and new beginnings.

Run it by ``uv run pytest -m endurance``. It prints what it measured (``-rP`` shows that), and
writes it to the file that ``ENDURANCE_FIGURES`` names; ``ENDURANCE_SECONDS`` is how long a mode
takes.
"""

import fcntl
import itertools
import json
import os
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from conftest import Bake
from environments import interpreter
from hostile import (
    FLOODS,
    HALF_SENT,
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
    connections,
    drip,
    event,
    flood,
    held,
    memory,
    open_files,
    request,
    threads,
)
from server import Server, eventually, package_of, running
from test_chat import free_port

MODES = ("eventlet", "gevent", "threading")
SETTINGS = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "x" * 40,
    "MAX_CONNECTIONS": "500",
    "MAX_CONNECTIONS_PER_ADDRESS": "50",
    # Whoever vanishes is missed soon, so that all is quiet when it is measured.
    "PING_INTERVAL": "3",
    "PING_TIMEOUT": "3",
    "LOG_LEVEL": "INFO",
}
ROOM = "lobby"
GUESTS_PER_SECOND = 10
GUEST_THREADS = 8
# What goes wrong for a guest while the service is away; a client would try again, too.
AWAY = (OSError, ConnectionEnded, RefusedError)
# When, as parts of the whole, and how the service ends; the rest of the time is one life.
ENDS = ((0.2, signal.SIGTERM), (0.35, signal.SIGKILL), (0.5, signal.SIGTERM))


class Chat:
    """A service that ends now and then, and begins again on the same port with the same data."""

    def __init__(self, service: Path) -> None:
        """Begin."""
        self._service = service
        self._port = free_port()
        self._stack = ExitStack()
        self.complaints: list[str] = []
        self.server: Server
        self._begin()

    def restart(self, how: signal.Signals) -> None:
        """End the process, and start another one."""
        if how == signal.SIGTERM:
            self.server.terminate()
            self.server.process.wait(30)
        self.end()
        self._begin()

    def end(self) -> None:
        """End the process, and read what it has printed."""
        for found in re.finditer(rf"Traceback.*|.*{MARK}.*", self.server.printed()):
            around = self.server.printed()[max(0, found.start() - 300) : found.start() + 2_000]
            self.complaints.append(around)
        self._stack.close()

    def _begin(self) -> None:
        module = package_of(self._service)
        python = str(interpreter(self._service))
        command = [python, "-m", module, "run", "--port", str(self._port)]
        self.server = self._stack.enter_context(running(command, self._service, **SETTINGS))


class Crowd:
    """Threads that do the same again and again until they are stopped, and rest when told to."""

    def __init__(self, chat: Chat) -> None:
        """Prepare."""
        self.chat = chat
        self.tally: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self.acknowledged: dict[str, int] = {}
        """The ids of messages that were acknowledged, by those that their authors made."""
        self._stop = threading.Event()
        self._may_go_on = threading.Event()
        self._may_go_on.set()
        self._lock = threading.Lock()
        self._busy = 0
        self._threads: list[threading.Thread] = []

    def add(self, act: Callable[["Crowd"], None], seconds: float) -> None:
        """Let a thread do something, about as often as once in some seconds."""
        thread = threading.Thread(target=self._again, args=(act, seconds), daemon=True)
        self._threads.append(thread)
        thread.start()

    def count(self, what: str) -> None:
        """Count something."""
        with self._lock:
            self.tally[what] += 1

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Let everybody finish and rest."""
        self._may_go_on.clear()
        try:
            eventually(lambda: self._busy == 0, 90)
            yield
        finally:
            self._may_go_on.set()

    def stop(self) -> None:
        """Send everybody home."""
        self._stop.set()
        self._may_go_on.set()
        for thread in self._threads:
            thread.join(90)

    def _again(self, act: Callable[["Crowd"], None], seconds: float) -> None:
        while not self._stop.is_set():
            self._may_go_on.wait()
            began = time.monotonic()
            with self._lock:
                self._busy += 1
            try:
                act(self)
            except Exception as error:
                self.unexpected.append(f"{getattr(act, '__name__', act)}: {error!r}"[:2_000])
            finally:
                with self._lock:
                    self._busy -= 1
            self._stop.wait(max(0.0, seconds - (time.monotonic() - began)))


def somewhere(network: int) -> str:
    """Return an address out of a network of many."""
    return f"127.{network}.{random.randrange(250)}.{random.randrange(1, 250)}"  # noqa: S311


# Guests


def visit(crowd: Crowd) -> None:
    """Sign in, connect, join, say three things, one of them twice, read, and leave."""
    source, deadline = somewhere(10), time.monotonic() + 60
    unsaid = [{"client_id": str(uuid4()), "text": f"{MARK} {number}"} for number in range(3)]
    token = ""
    while time.monotonic() < deadline:
        try:
            token = token or _sign_in(crowd, source)
            _talk(crowd, source, token, unsaid)
        except AWAY:
            crowd.count("connections lost")
            time.sleep(0.2)
        else:
            crowd.count("visits")
            return
    raise TimeoutError(f"{len(unsaid)} messages were not acknowledged for a minute")


def _sign_in(crowd: Crowd, source: str) -> str:
    body = json.dumps({"name": "Guest"})
    headers = {"Content-Type": "application/json"}
    answer = request(crowd.chat.server, "POST", "/session", source, body=body, headers=headers)
    if answer.status in (429, 503):
        # As a client that is told to come again.
        crowd.count(f"sign in {answer.status}")
        raise RefusedError(answer.text)
    assert answer.status == 201, answer
    token: str = json.loads(answer.text)["token"]
    return token


def _talk(crowd: Crowd, source: str, token: str, unsaid: list[dict[str, Any]]) -> None:
    with Probe(crowd.chat.server, "/chat", source, {"token": token}) as client:
        joined = _call(client, "join", ROOM)
        last = joined["messages"][-1]["id"] if joined["messages"] else 0
        says_something = bool(unsaid)
        while unsaid:
            message = unsaid[0]
            said = _call(client, "send", ROOM, message)
            if len(unsaid) == 1:
                again = _call(client, "send", ROOM, message)
                assert again["id"] == said["id"], "a retry is another message"
            # What was said before the connection was lost is said once.
            known = crowd.acknowledged.setdefault(message["client_id"], said["id"])
            assert known == said["id"]
            unsaid.pop(0)
        past = _call(client, "join", ROOM, last)
        assert past["messages"] or not says_something, "what was said is not there"
        if random.random() < 0.5:  # noqa: S311
            # Half of them sign out, the others just go.
            headers = {"Authorization": f"Bearer {token}"}
            assert request(
                crowd.chat.server, "DELETE", "/session", source, headers=headers
            ).status in (204, 503)


def _call(client: Probe, name: str, *arguments: Any) -> Any:
    answer = client.call(name, *arguments, seconds=15)
    if isinstance(answer, dict) and (error := answer.get("error")):
        if error["status"] == 503:
            raise ConnectionEnded
        raise AssertionError(f"{name}: {error}")
    return answer


class Resident(threading.Thread):
    """Somebody who stays, hears what is said, and asks for what was said while it was away."""

    def __init__(self, crowd: Crowd) -> None:
        """Prepare."""
        super().__init__(daemon=True)
        self.heard: dict[int, str] = {}
        """The ids that the authors made, by those of the messages."""
        self.is_done = threading.Event()
        self._crowd = crowd

    def run(self) -> None:
        """Listen, again and again."""
        source = somewhere(40)
        token = ""
        while not self.is_done.is_set():
            with suppress(*AWAY):
                token = token or _sign_in(self._crowd, source)
                server, auth = self._crowd.chat.server, {"token": token}
                with Probe(server, "/chat", source, auth) as client:
                    self._catch_up(client)
                    while not self.is_done.is_set():
                        # It ends with the connection, which a call finds out.
                        _call(client, "people", ROOM)
                        self._hear(client)
            time.sleep(0.1)

    def _catch_up(self, client: Probe) -> None:
        more = True
        while more:
            known = next(number for number in itertools.count() if number + 1 not in self.heard)
            past = _call(client, "join", ROOM, known)
            self._keep(past["messages"])
            more = past["more"]

    def _hear(self, client: Probe) -> None:
        said = client.listen(0.5)
        client.heard = []
        self._keep([data for name, *arguments in said if name == "message" for data in arguments])

    def _keep(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            known = self.heard.setdefault(message["id"], message["client_id"])
            assert known == message["client_id"]


# Strangers


def attack(crowd: Crowd) -> None:
    """Do one bad thing, for two seconds at most, from one address."""
    act = next(_attacks)
    try:
        act(crowd.chat.server, somewhere(20))
    except (AssertionError, *AWAY):
        crowd.count("attacks refused")
    else:
        crowd.count("attacks")


def _flood(server: Server, source: str) -> None:
    for kind in random.sample(list(FLOODS), 3):
        with suppress(*AWAY), WebSocket(server, source) as client:
            client.send("40")
            client.socket.settimeout(1)
            client.socket.sendall(flood(kind, 500_000))


def _send_what_is_none(server: Server, source: str) -> None:
    for packets, _ in random.sample(list(MALFORMED.values()), 5):
        with suppress(*AWAY), WebSocket(server, source) as client:
            client.send("40")
            for packet in packets * 15:
                client.send(packet)
            client.packets(0.1)


def _send_no_packets(server: Server, source: str) -> None:
    for number, data in enumerate(NO_PACKETS.values()):
        with suppress(*AWAY), WebSocket(server, source) as client:
            client.send_raw(data)
            if number % 2:
                client.vanish()


def _take_reserved_names(server: Server, source: str) -> None:
    with suppress(*AWAY), WebSocket(server, source) as client:
        client.send("40")
        for name in ("disconnect", "connect", "connect_error", 1, None, ["a"]):
            client.send(event(name, number=5))
            client.send(event(name, namespace="/chat", number=6))
        client.packets(0.1)


def _send_monsters(server: Server, source: str) -> None:
    for packet in random.sample(list(MONSTERS.values()), 3):
        with suppress(*AWAY), WebSocket(server, source) as client:
            client.send("40")
            client.send(packet)
            client.packets(0.1)


def _promise_attachments(server: Server, source: str) -> None:
    with suppress(*AWAY), WebSocket(server, source) as client:
        client.send("40")
        client.send(f'4545999999-1["x",{PLACEHOLDER}]')
        client.send(f'4550-1["x",{PLACEHOLDER}]')
        for _ in range(10):
            client.send(b"x" * 300_000)
        client.packets(0.1)


def _bring_much_to_the_door(server: Server, source: str) -> None:
    for _ in range(5):
        with suppress(*AWAY), WebSocket(server, source) as client:
            client.send(f"40/chat,{json.dumps({'token': 'x' * 900_000})}")
            client.packets(0.1)


def _begin_sessions(server: Server, source: str) -> None:
    for _ in range(30):
        with suppress(*AWAY):
            Polling(server, source)


def _hold_requests(server: Server, source: str) -> None:
    with held(server, list(HALF_SENT.values()) * 10, source) as slow:
        for _ in range(4):
            drip(slow)
            time.sleep(0.25)


def _ask_too_often(server: Server, source: str) -> None:
    for _ in range(100):
        with suppress(*AWAY):
            request(server, "GET", "/chat", source)


def _come_and_go(server: Server, source: str) -> None:
    for _ in range(20):
        with suppress(*AWAY), Probe(server, "/", source) as client:
            client.send(event("x"))


def _read_nothing(server: Server, source: str) -> None:
    body, headers = json.dumps({"name": "Deaf"}), {"Content-Type": "application/json"}
    answer = request(server, "POST", "/session", source, body=body, headers=headers)
    token = json.loads(answer.text).get("token")
    with suppress(*AWAY), WebSocket(server, source) as client:
        client.send(f"40/chat,{json.dumps({'token': token})}")
        for number in range(200):
            client.send(event("join", ROOM, 0, namespace="/chat", number=number))
        time.sleep(1)


_attacks = itertools.cycle(
    (
        *(_flood, _send_what_is_none, _send_no_packets, _take_reserved_names, _send_monsters),
        *(_promise_attachments, _bring_much_to_the_door, _begin_sessions, _hold_requests),
        *(_ask_too_often, _come_and_go, _read_nothing),
    )
)


# What it comes to


def measured(crowd: Crowd) -> dict[str, float]:
    """Return what the service takes when everybody has left but the one who stays."""
    chat = crowd.chat
    with crowd.resting():
        eventually(lambda: connections(chat.server) == 1)
        headers = signed_in(chat.server)
        eventually(lambda: people(chat.server, headers) == 1, 30)
        # What was held is closed by now.
        time.sleep(2)
        return {
            "memory (MB)": round(memory(chat.server), 1),
            "threads": threads(chat.server),
            "open files": open_files(chat.server),
            "people": people(chat.server, headers),
        }


def signed_in(server: Server) -> dict[str, str]:
    """Return the headers of somebody who only looks."""
    body, headers = json.dumps({"name": "Reader"}), {"Content-Type": "application/json"}
    answer = request(server, "POST", "/session", somewhere(30), body=body, headers=headers)
    return {"Authorization": f"Bearer {json.loads(answer.text)['token']}"}


def people(server: Server, headers: dict[str, str]) -> int:
    """Return how many people are in the room."""
    answer = request(server, "GET", f"/chat/{ROOM}", somewhere(30), headers=headers)
    found: int = json.loads(answer.text)["people"]
    return found


def stored(server: Server) -> list[dict[str, Any]]:
    """Return all messages of the room."""
    headers = signed_in(server)
    messages: list[dict[str, Any]] = []
    while True:
        since = messages[-1]["id"] if messages else 0
        path = f"/chat/{ROOM}/messages?limit=500&since={since}"
        answer = request(server, "GET", path, somewhere(30), headers=headers)
        assert answer.status == 200, answer
        page = json.loads(answer.text)
        messages += page["messages"]
        if not page["more"]:
            return messages


def keep(figures: dict[str, Any], mode: str) -> None:
    """Add the figures of a mode to the file that is to have them; modes may run at once."""
    place = os.environ.get("ENDURANCE_FIGURES")
    if not place:
        return
    with Path(place).open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        known = json.loads(file.read() or "{}")
        file.truncate(0)
        json.dump(known | {mode: figures}, file, indent=2)


def show(mode: str, first: dict[str, float], last: dict[str, float], tally: Counter[str]) -> None:
    """Print the figures as a table."""
    print(f"| {mode} | after a minute | at the end |\n| --- | ---: | ---: |")
    for name, value in first.items():
        print(f"| {name} | {value:g} | {last[name]:g} |")
    print("\n" + ", ".join(f"{count} {what}" for what, count in sorted(tally.items())))


@pytest.mark.endurance
@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_lost_and_nothing_grows(
    bake: Bake, pytestconfig: pytest.Config, mode: str
) -> None:
    if "endurance" not in pytestconfig.getoption("markexpr"):
        pytest.skip("takes ten minutes: ask for it by -m endurance")
    seconds = float(os.environ.get("ENDURANCE_SECONDS", "600"))
    began = time.monotonic()

    def wait_for(part: float) -> None:
        time.sleep(max(0.0, began + part * seconds - time.monotonic()))

    chat = Chat(bake(async_mode=mode, starter="chat"))
    crowd = Crowd(chat)
    resident = Resident(crowd)
    try:
        resident.start()
        for number in range(GUEST_THREADS):
            crowd.add(visit, GUEST_THREADS / GUESTS_PER_SECOND)
            time.sleep(number / GUESTS_PER_SECOND / GUEST_THREADS)
        for _ in range(2):
            crowd.add(attack, 2)
        for part, how in ENDS:
            wait_for(part)
            chat.restart(how)
        wait_for(ENDS[-1][0] + min(0.3, 60 / seconds))
        first = measured(crowd)
        wait_for(1)
        last = measured(crowd)
        crowd.stop()
        messages = stored(chat.server)
        eventually(lambda: len(resident.heard) >= len(messages), 30)
    finally:
        crowd.stop()
        resident.is_done.set()
        resident.join(30)
        chat.end()

    tally = crowd.tally + Counter({"messages": len(crowd.acknowledged)})
    show(mode, first, last, tally)
    keep({"after a minute": first, "at the end": last, "counted": dict(tally)}, mode)
    by_author = {message["client_id"]: message["id"] for message in messages}
    assert len(by_author) == len(messages), "stored twice"
    assert {known: by_author.get(known) for known in crowd.acknowledged} == crowd.acknowledged
    assert resident.heard == {message["id"]: message["client_id"] for message in messages}
    assert not crowd.unexpected, crowd.unexpected[:5]
    assert not chat.complaints, chat.complaints[0]
    # On a busy machine it is fewer than were wanted.
    assert crowd.tally["visits"] > seconds
    assert_has_not_grown(first, last)


def assert_has_not_grown(first: dict[str, float], last: dict[str, float]) -> None:
    """Assert that a service takes as much as before, but for what a pool or the system keeps."""
    room = {
        # What the system gives back of freed memory differs from time to time.
        "memory (MB)": 15 + 0.1 * first["memory (MB)"],
        # A pool has as many as were needed at once.
        "threads": 10 + 0.25 * first["threads"],
        # A pool has up to ten connections to SQLite, each with the file and its log open.
        "open files": 20,
        "people": 0,
    }
    grown = {
        name: last[name] - first[name] for name in first if last[name] > first[name] + room[name]
    }
    assert not grown, (first, last)
