"""The load generator of `peers.py`: one process, which does one measurement and prints it as JSON.

    python load.py '{"measure": "acks", "port": 8000, "pid": 1234, "clients": 50, "in_flight": 1}'

`Job` has what can be said. The figures are rates per second and per second that the server's
processes computed, times in seconds, and the load generator's own share of its processor.
"""

from __future__ import annotations

import gc
import json
import re
import resource
import select
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any

from usage import Meter, family, memory, threads
from wire import (
    HOST,
    NAMESPACE,
    PATIENCE,
    Awaited,
    Client,
    Sending,
    WrongAnswerError,
    ask_all,
    come_and_go,
    connect,
    frame,
    join_many,
    talk,
)

LEAD = 0.3
"""Seconds under load before anything is counted."""
FIRST_ID = 100_000
IDS = 1_000
# A client of the service may send as many at once before it is slowed down.
EVENTS_PER_CLIENT = 900
TEXT = "x" * 64
READING = {"sensor": "kitchen", "celsius": 21.5, "count": 3}
# The largest message may have 1,000,000 bytes, with what stands around this.
LARGEST = 990_000
clock = time.perf_counter
Figures = dict[str, float]


@dataclass
class Job:
    """What to measure."""

    measure: str
    port: int
    pid: int
    seconds: float = 2.0
    clients: int = 50
    in_flight: int = 1
    size: int = 64
    event: str = "echo"
    rate: int = 500
    """Events per second, of all clients together, where they do not wait for an ack."""
    method: str = "GET"
    path: str = "/bench"


class Window:
    """The part of a measurement that counts: what comes after a lead."""

    def __init__(self, job: Job) -> None:
        """Begin with the lead."""
        self._job = job
        self._meter: Meter | None = None
        self._first = 0
        self._end = clock() + LEAD
        self.is_over = False
        self.over_at = 0.0
        self.times: list[float] = []
        self.figures: Figures = {}

    def look(self, done: int, enough: bool = False) -> bool:
        """Return whether it is over, after so many things were done.

        :param enough: whether it is to end at once.
        """
        if self.is_over:
            return True
        now = clock()
        if self._meter is None:
            if now >= self._end:
                self._first, self._end = done, now + self._job.seconds
                self.times.clear()
                self._meter = Meter(self._job.pid)
        elif now >= self._end or enough:
            used, count = self._meter.read(), done - self._first
            self.is_over, self.over_at = True, now
            self.figures = {
                "rate": count / used.seconds,
                # Without a tick of the clock, it is less than one.
                "per_processor_second": count / max(used.server, 0.01),
                "share": used.own / used.seconds,
                **quantiles(self.times),
            }
        return self.is_over

    def waits_too_long(self) -> bool:
        """Return whether the server should have answered by now."""
        return self.is_over and clock() > self.over_at + PATIENCE


def quantiles(times: list[float]) -> Figures:
    """Return the median, the 99th percentile and the worst."""
    if not times:
        return {}
    times = sorted(times)
    last = len(times) - 1
    return {"p50": times[last // 2], "p99": times[round(last * 0.99)], "worst": times[-1]}


def compact(value: Any) -> bytes:
    """Return JSON as all servers write it."""
    return json.dumps(value, separators=(",", ":")).encode()


def packet(number: int, name: str, *payload: Any) -> bytes:
    """Return an event that wants an ack, as Socket.IO writes it."""
    return b"42" + NAMESPACE + str(number).encode() + compact([name, *payload])


def events(count: int, name: str, *payload: Any) -> list[bytes]:
    """Return frames of an event, each with an id of its own."""
    return [frame(packet(FIRST_ID + number, name, *payload)) for number in range(count)]


def ack(payload: bytes) -> Awaited:
    """Return what is awaited for these."""
    start = b"43" + NAMESPACE
    rest = b"[" + payload + b"]"
    text = start + str(FIRST_ID).encode() + rest
    return Awaited.frame(text, start + rb"\d{6}" + re.escape(rest))


def echoing(job: Job, count: int) -> list[Client]:
    """Return clients which are about to send an event that is echoed."""
    payload = READING if job.event == "model" else "x" * job.size
    frames = events(IDS if job.size < 1_000 else 50, job.event, payload)
    sending = Sending(frames)
    awaited = ack(compact(payload))
    clients = join_many(job.port, count)
    for client in clients:
        client.sending = sending
        client.awaited = awaited
    # Here all answers are compared, and the server does it for the first time.
    for one in frames[:20]:
        ask_all(clients[:1], one, awaited.whole.pattern)
    ask_all(clients, frames[0], awaited.whole.pattern)
    return clients


def acks(job: Job) -> Figures:
    """Send events that are echoed, a number of them ahead of their acks."""
    clients = echoing(job, job.clients)
    return closed_loop(job, clients, EVENTS_PER_CLIENT * len(clients)).figures


def closed_loop(
    job: Job, clients: list[Client], most: int = sys.maxsize, may_miss: bool = False
) -> Window:
    """Let each client send something for each answer that it gets.

    :param most: how much is sent at most.
    :param may_miss: whether answers that do not come are a figure, and no error.
    :raises WrongAnswerError: answers are missing at the end.
    """
    by_fd = {client.fd: client for client in clients}
    epoll = select.epoll()
    timed = job.in_flight == 1
    window = Window(job)
    times = window.times
    sent = answered = 0
    for client in clients:
        epoll.register(client.fd, select.EPOLLIN)
        client.sent_at = clock()
        client.send(job.in_flight)
        sent += job.in_flight
    while sent > answered and not window.waits_too_long():
        ready = epoll.poll(0.1)
        is_over = window.look(answered, sent >= most)
        for fd, _ in ready:
            client = by_fd[fd]
            count = client.receive()
            answered += count
            if count and not is_over:
                if timed:
                    now = clock()
                    times.append(now - client.sent_at)
                    client.sent_at = now
                client.send(count)
                sent += count
    epoll.close()
    window.figures["missing"] = sent - answered
    if not window.is_over:
        raise WrongAnswerError("It was over before it began")
    if sent > answered and not may_miss:
        raise WrongAnswerError(f"{sent - answered} of {sent} answers are missing")
    return window


def crowd(job: Job) -> Figures:
    """Compare ten times as many clients, each with an event in flight, with some."""
    few = closed_loop(job, echoing(job, job.clients)).figures
    many = closed_loop(job, echoing(job, 10 * job.clients), may_miss=True).figures
    return many | {"few": few["rate"], "kept": many["rate"] / few["rate"]}


def alone(job: Job) -> Figures:
    """Let one client send what it hears itself, before the ack."""
    (client,) = join_many(job.port, 1)
    ask_all([client], frame(packet(FIRST_ID, "join")), ack(b"").whole.pattern)
    told = b"42" + NAMESPACE + compact(["told", TEXT])
    first, second = Awaited.frame(told, re.escape(told)), ack(b"")
    pattern = first.whole.pattern + second.whole.pattern
    client.awaited = Awaited(b"", first.size + second.size, pattern)
    client.sending = Sending(events(IDS, "tell", TEXT))
    return closed_loop(job, [client], EVENTS_PER_CLIENT).figures


def fanout(job: Job) -> Figures:
    """Let one client tell all others something, again and again; what they hear is counted."""
    told = b"42" + NAMESPACE + compact(["told", TEXT])
    clients = join_many(job.port, job.clients)
    ask_all(clients, frame(packet(FIRST_ID, "join")), ack(b"").whole.pattern)
    (sender,) = join_many(job.port, 1)
    sender.sending = Sending(events(IDS, "tell", TEXT))
    sender.awaited = ack(b"")
    for client in clients:
        client.awaited = Awaited.frame(told, re.escape(told))
    by_fd = {client.fd: client for client in clients}
    epoll = select.epoll()
    for fd in (*by_fd, sender.fd):
        epoll.register(fd, select.EPOLLIN)

    window = Window(job)
    heard = acked = sent = 0
    while not window.waits_too_long():
        if not window.look(heard, sent >= EVENTS_PER_CLIENT):
            # The server has the next one before all have heard of the last one.
            while acked == sent and sent * len(clients) - heard < 2 * len(clients):
                sender.send(1)
                sent += 1
        elif acked == sent and heard == sent * len(clients):
            return window.figures
        for fd, _ in epoll.poll(0.1):
            if fd == sender.fd:
                acked += sender.receive()
            else:
                heard += by_fd[fd].receive()
    raise WrongAnswerError(f"{heard} of {sent * len(clients)} deliveries came")


def connects(job: Job) -> Figures:
    """Connect, join the namespace and leave, always some clients at a time."""
    window = Window(job)
    talk(job.port, come_and_go, is_over=window.look, at_once=job.clients)
    return window.figures


def idle(job: Job) -> Figures:
    """Return what a client takes that is connected and says nothing."""
    talk(job.port, come_and_go, 20)
    time.sleep(1)
    pids = family(job.pid)
    before, threads_before = memory(pids), threads(pids)
    clients = join_many(job.port, job.clients)
    time.sleep(1)
    grown, more = memory(pids) - before, threads(pids) - threads_before
    for client in clients:
        client.close()
    return {"kib": grown / 1024 / job.clients, "threads": more / job.clients}


def requests(job: Job) -> Figures:
    """Send requests on connections that are kept, each after the answer to the one before."""
    expected: Any = {"message": "hello"} if job.method == "GET" else READING
    body = b"" if job.method == "GET" else compact(READING)
    lines = [f"{job.method} {job.path} HTTP/1.1", f"Host: {HOST}:{job.port}", "Accept: */*"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    request = "\r\n".join((*lines, "", "")).encode() + body
    sending = Sending([request])
    clients = [Client(connect(job.port)) for _ in range(job.clients)]
    for client in clients:
        client.sending = sending
        client.awaited = learned(client, request, expected)
    return closed_loop(job, clients).figures


def learned(client: Client, request: bytes, expected: Any) -> Awaited:
    """Return what is awaited for a request, from what comes for the first one.

    :param expected: the value that has to be in the body.
    """
    (answer,) = ask_all([client], request, rb"HTTP/1\.1 200 .*?\r\n\r\n.*[}\n]")
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    if json.loads(body) != expected or not length or int(length[1]) != len(body):
        raise WrongAnswerError(f"{answer!r} is not {expected}")
    return Awaited(b"HTTP/1.1 200 ", len(answer), rb".*\r\n\r\n" + re.escape(body))


def polling(job: Job) -> Figures:
    """Let one client that polls send an event after the ack of the one before."""
    getting, posting = (HTTPConnection(HOST, job.port, timeout=PATIENCE) for _ in range(2))
    path = "/socket.io/?EIO=4&transport=polling"

    def heard(connection: HTTPConnection) -> bytes:
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise WrongAnswerError(f"{response.status} {text!r}")
        return text

    def say(text: bytes) -> bytes:
        """Return what comes until there is no more than one packet in flight."""
        getting.request("GET", path)
        posting.request("POST", path, text, {"Content-Type": "text/plain;charset=UTF-8"})
        heard(posting)
        return heard(getting)

    getting.request("GET", path)
    path += "&sid=" + json.loads(heard(getting)[1:])["sid"]
    if not (greeting := say(b"40" + NAMESPACE)).startswith(b"40" + NAMESPACE):
        raise WrongAnswerError(f"{greeting!r} is no namespace that is joined")
    window = Window(job)
    done = 0
    while not window.look(done, done >= EVENTS_PER_CLIENT):
        begun, number = clock(), str(FIRST_ID + done).encode()
        answer = say(packet(FIRST_ID + done, "echo", TEXT))
        if answer != b"43" + NAMESPACE + number + compact([TEXT]):
            raise WrongAnswerError(f"{answer!r} is not the ack {number!r}")
        window.times.append(clock() - begun)
        done += 1
    return window.figures


@dataclass
class Answered:
    """An event, from when it was sent to its ack."""

    sent_at: float
    took: float


def open_loop(job: Job, clients: list[Client]) -> tuple[Window, list[Answered]]:
    """Send events at a fixed rate, whether or not there are acks."""
    by_fd = {client.fd: client for client in clients}
    epoll = select.epoll()
    for fd in by_fd:
        epoll.register(fd, select.EPOLLIN)
    window = Window(job)
    waiting: dict[tuple[int, int], float] = {}
    answered: list[Answered] = []
    begun = clock()
    sent = 0
    while waiting or not window.is_over:
        if window.waits_too_long():
            raise WrongAnswerError(f"{len(waiting)} acks are missing")
        if not window.look(len(answered)) and clock() >= begun + sent / job.rate:
            rounds, which = divmod(sent, len(clients))
            waiting[clients[which].fd, FIRST_ID + rounds % IDS] = clock()
            clients[which].send(1)
            sent += 1
        pause = begun + sent / job.rate - clock()
        for fd, _ in epoll.poll(max(0.0, min(pause, 0.1))):
            for number in by_fd[fd].receive_ids():
                sent_at = waiting.pop((fd, number))
                took = clock() - sent_at
                window.times.append(took)
                answered.append(Answered(sent_at, took))
    return window, answered


def tail(job: Job) -> Figures:
    """Send events at a fixed, moderate rate."""
    return open_loop(job, echoing(job, job.clients))[0].figures


def largest(job: Job) -> Figures:
    """Send messages of the largest size; what counts is how long others wait meanwhile."""
    others = echoing(job, job.clients)
    (sender,) = join_many(job.port, 1)
    message = frame(packet(FIRST_ID, "echo", "x" * LARGEST))
    awaited = ack(compact("x" * LARGEST))
    spans: list[Answered] = []
    is_over = threading.Event()

    def send() -> None:
        sender.sock.settimeout(PATIENCE)
        while not is_over.wait(0.1):
            begun = clock()
            sender.sock.sendall(message)
            read_exactly(sender.sock, awaited)
            spans.append(Answered(begun, clock() - begun))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        window, answered = open_loop(job, others)
    finally:
        is_over.set()
        thread.join()
    if not spans:
        raise WrongAnswerError("No message was answered")
    waits = [
        max((one.took for one in answered if overlap(one, span)), default=0.0) for span in spans
    ]
    return {
        "wait": statistics.median(waits),
        "took": statistics.median(span.took for span in spans),
        "share": window.figures["share"],
    }


def overlap(one: Answered, other: Answered) -> bool:
    """Return whether two were under way at the same time."""
    return one.sent_at < other.sent_at + other.took and other.sent_at < one.sent_at + one.took


def read_exactly(sock: socket.socket, awaited: Awaited) -> None:
    """Read one answer, and compare all of it."""
    received = bytearray()
    while len(received) < awaited.size:
        piece = sock.recv(1 << 18)
        if not piece:
            raise WrongAnswerError("The server has closed a connection")
        received += piece.replace(b"\x81\x012", b"") if len(piece) < 10 else piece
    if not awaited.whole.fullmatch(received):
        raise WrongAnswerError(f"{bytes(received[:200])!r} is not the ack")


MEASURES: dict[str, Callable[[Job], Figures]] = {
    measure.__name__: measure
    for measure in (acks, alone, fanout, connects, idle, requests, polling, tail, largest, crowd)
}


def main() -> None:
    """Do what the argument says."""
    job = Job(**json.loads(sys.argv[1]))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # Nothing here makes circles, and a pause would count against the server.
    gc.disable()
    print(json.dumps(MEASURES[job.measure](job)))


if __name__ == "__main__":
    main()
