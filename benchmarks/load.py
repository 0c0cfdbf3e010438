"""The load generator of `peers.py`: one process, which does one measurement and prints it as JSON.

    python load.py '{"measure": "acks", "port": 8000, "pid": 1234, "clients": 50, "in_flight": 1}'

`Job` has what can be said.
"""

from __future__ import annotations

import gc
import json
import re
import select
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from usage import Meter, Used
from wire import (
    NAMESPACE,
    PATIENCE,
    Awaited,
    Client,
    Sending,
    WrongAnswerError,
    ask_all,
    frame,
    join_many,
)

LEAD = 0.3
"""Seconds under load before anything is counted."""
FIRST_ID = 100_000
# A client of the service may send as many at once before it is slowed down.
EVENTS_PER_CLIENT = 900
TEXT = "x" * 64
READING = {"sensor": "kitchen", "celsius": 21.5, "count": 3}


@dataclass
class Job:
    """What to measure."""

    measure: str
    port: int
    pid: int
    clients: int = 50
    in_flight: int = 1
    seconds: float = 2.0
    size: int = 64
    event: str = "echo"


@dataclass
class Result:
    """What was measured."""

    count: int
    seconds: float
    server: float
    own: float
    times: dict[str, float]
    """Medians and so on, in seconds."""

    @classmethod
    def of(cls, count: int, used: Used, times: list[float] | None = None) -> Result:
        """Return a count with what it took.

        :param times: how long each answer took.
        """
        return cls(count, used.seconds, used.server, used.own, quantiles(times or []))


def quantiles(times: list[float]) -> dict[str, float]:
    """Return the median, the 99th percentile and the worst."""
    if not times:
        return {}
    times = sorted(times)
    last = len(times) - 1
    return {"p50": times[last // 2], "p99": times[round(last * 0.99)], "worst": times[-1]}


def compact(value: Any) -> bytes:
    """Return JSON as all servers write it."""
    return json.dumps(value, separators=(",", ":")).encode()


def event(number: int, name: str, *payload: Any) -> bytes:
    """Return the frame of an event that wants an ack."""
    return frame(b"42" + NAMESPACE + str(number).encode() + compact([name, *payload]))


def events(count: int, name: str, *payload: Any) -> list[bytes]:
    """Return frames of an event, each with an id of its own."""
    return [event(number, name, *payload) for number in range(FIRST_ID, FIRST_ID + count)]


def ack(payload: bytes) -> Awaited:
    """Return what is awaited for these."""
    start = b"43" + NAMESPACE
    text = start + str(FIRST_ID).encode() + b"[" + payload + b"]"
    return Awaited.frame(text, start + rb"\d{6}" + re.escape(b"[" + payload + b"]"))


def echoing(job: Job) -> list[Client]:
    """Return clients which are about to send an event that is echoed."""
    payload = READING if job.event == "model" else "x" * job.size
    frames = events(1000 if job.size < 1000 else 50, job.event, payload)
    awaited = ack(compact(payload))
    clients = join_many(job.port, job.clients)
    for client in clients:
        client.sending = Sending(frames)
        client.awaited = awaited
    # Here all answers are compared, and the server does it for the first time.
    for frame_ in frames[:20]:
        ask_all(clients[:1], frame_, awaited.whole.pattern)
    ask_all(clients, frames[0], awaited.whole.pattern)
    return clients


def acks(job: Job) -> Result:
    """Send events that are echoed, a number of them ahead of their acks."""
    clients = echoing(job)
    return closed_loop(job, clients, EVENTS_PER_CLIENT * len(clients))


def closed_loop(job: Job, clients: list[Client], most: int = sys.maxsize) -> Result:
    """Let each client send something for each answer that it gets.

    :param most: how much is sent at most.
    """
    by_fd = {client.fd: client for client in clients}
    epoll = select.epoll()
    timed = job.in_flight == 1
    times: list[float] = []
    clock = time.perf_counter
    sent = answered = counted = 0
    for client in clients:
        epoll.register(client.fd, select.EPOLLIN)
        client.sent_at = clock()
        client.send(job.in_flight)
        sent += job.in_flight

    meter: Meter | None = None
    used: Used | None = None
    begin = clock()
    end = begin + LEAD
    while sent > answered:
        ready = epoll.poll(1)
        now = clock()
        if now >= end and used is None:
            if meter is None:
                meter, end, counted = Meter(job.pid), now + job.seconds, answered
                times.clear()
            else:
                used, counted = meter.read(), answered - counted
                heard_at = now
        if meter and used is None and sent >= most:
            used, counted = meter.read(), answered - counted
            heard_at = now
        if used and now > heard_at + PATIENCE:
            raise WrongAnswerError(f"{sent - answered} answers are missing")
        for fd, _ in ready:
            client = by_fd[fd]
            count = client.receive()
            if not count:
                continue
            answered += count
            if used is None:
                if timed:
                    now = clock()
                    times.append(now - client.sent_at)
                    client.sent_at = now
                client.send(count)
                sent += count
    epoll.close()
    if used is None:
        raise WrongAnswerError("It was over before it began")
    return Result.of(counted, used, times)


def fanout(job: Job) -> Result:
    """Let one client tell all others something, again and again; what they hear is counted."""
    told = b"42" + NAMESPACE + compact(["told", TEXT])
    clients = join_many(job.port, job.clients)
    ask_all(clients, event(FIRST_ID, "join"), ack(b"").whole.pattern)
    (sender,) = join_many(job.port, 1)
    sender.sending = Sending(events(1000, "tell", TEXT))
    sender.awaited = ack(b"")
    for client in clients:
        client.awaited = Awaited.frame(told, re.escape(told))
    by_fd = {client.fd: client for client in clients}
    epoll = select.epoll()
    for fd in (*by_fd, sender.fd):
        epoll.register(fd, select.EPOLLIN)

    meter: Meter | None = None
    used: Used | None = None
    heard = acked = sent = counted = 0
    end = time.perf_counter() + LEAD
    while True:
        now = time.perf_counter()
        if meter is None and now >= end:
            meter, end, counted = Meter(job.pid), now + job.seconds, heard
        elif meter and used is None and (now >= end or sent >= EVENTS_PER_CLIENT):
            used, counted, end = meter.read(), heard - counted, now + PATIENCE
        if used is None:
            # The server has the next one before all have heard of the last one.
            while acked == sent and sent * len(clients) - heard < 2 * len(clients):
                sender.send(1)
                sent += 1
        elif acked == sent and heard == sent * len(clients):
            break
        elif now > end:
            raise WrongAnswerError(f"{heard} of {sent * len(clients)} deliveries came")
        for fd, _ in epoll.poll(0.1):
            if fd == sender.fd:
                acked += sender.receive()
            else:
                heard += by_fd[fd].receive()
    return Result.of(counted, used)


MEASURES: dict[str, Callable[[Job], Result]] = {"acks": acks, "fanout": fanout}


def main() -> None:
    """Do what the argument says."""
    job = Job(**json.loads(sys.argv[1]))
    # Nothing here makes circles, and a pause would count against the server.
    gc.disable()
    print(json.dumps(asdict(MEASURES[job.measure](job))))


if __name__ == "__main__":
    main()
