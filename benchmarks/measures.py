"""What `peers.py` measures: the jobs of the load generator, and the columns of the tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from workshop import Peer


@dataclass(frozen=True)
class Column:
    """A figure of a table."""

    key: str
    """What the load generator calls it."""
    heading: str
    text: str = "{:,.0f}"
    factor: float = 1.0
    has_ratio: bool = True


@dataclass(frozen=True)
class Measure:
    """Something to measure."""

    title: str
    columns: tuple[Column, ...]
    job: dict[str, Any]
    is_fresh: bool = False
    """Whether each needs a server that has just been started."""
    log: str = ""
    """The LOG_LEVEL of the service, if it is not to be the usual one."""
    has_access_log: bool | None = None
    """Whether the servers of the others write a line for each request; by default as they do."""

    def prepared(self, peer: Peer) -> Peer:
        """Return a peer as this wants it."""
        if self.log and "LOG_LEVEL" in peer.settings:
            return peer.with_settings(peer.name, LOG_LEVEL=self.log)
        if self.has_access_log is None:
            return peer
        return peer.with_access_log(self.has_access_log)


def _rates(unit: str, *more: Column) -> tuple[Column, ...]:
    return (
        Column("rate", f"{unit}/s"),
        Column("per_processor_second", f"{unit} per processor second"),
        *more,
    )


_MEDIAN = Column("p50", "median, ms", "{:.1f}", 1000, has_ratio=False)
_P99 = Column("p99", "99th percentile, ms", "{:.1f}", 1000)


def _http(title: str, method: str, path: str) -> tuple[Measure, Measure]:
    job = {"measure": "requests", "method": method, "path": path}
    loud = Measure(
        f"{title}, with a line in the log for each", _rates("requests", _P99), job,
        has_access_log=True,
    )  # fmt: skip
    quiet = replace(
        loud, title=f"{title}, without lines in the log", log="WARNING", has_access_log=False
    )
    return loud, quiet


_GET = _http("HTTP, GET", "GET", "/bench")
_POST = _http("HTTP, POST of a small JSON", "POST", "/bench/plain")
_MODEL = _http("HTTP, POST of a model of three fields", "POST", "/bench/model")

START = "start"
MEASURES: dict[str, tuple[Measure, ...]] = {
    "acks1": (
        Measure(
            "Acks, 1 in flight for each of 50 clients",
            _rates("acks", _MEDIAN, _P99),
            {"measure": "acks"},
        ),
    ),
    "acks20": (
        Measure(
            "Acks, 20 in flight for each of 50 clients",
            _rates("acks"),
            {"measure": "acks", "in_flight": 20},
        ),
    ),
    "model": (
        Measure(
            "Acks of a model of three fields, 1 in flight for each of 50 clients",
            _rates("acks"),
            {"measure": "acks", "event": "model"},
        ),
    ),
    "fanout": (
        Measure(
            "Fan-out to 500 clients in a room",
            _rates("deliveries"),
            {"measure": "fanout", "clients": 500},
        ),
    ),
    "memory": (
        Measure(
            "1,000 idle clients",
            (
                Column("kib", "KiB for each", "{:.1f}"),
                Column("threads", "threads for each", "{:.2f}", has_ratio=False),
            ),
            {"measure": "idle", "clients": 1_000},
            is_fresh=True,
        ),
    ),
    "connects": (
        Measure(
            "Connecting by websocket, joining a namespace, and leaving; 50 clients at a time",
            _rates("clients"),
            {"measure": "connects"},
        ),
    ),
    "http": (_GET[0], _POST[0], _MODEL[0]),
    "quiet": (_GET[1], _POST[1], _MODEL[1]),
    "alone": (
        Measure(
            "Acks of one client, which hears a broadcast before each",
            _rates("acks", _MEDIAN, _P99),
            {"measure": "alone"},
        ),
        Measure(
            "HTTP, GET by one client",
            _rates("requests", _MEDIAN, _P99),
            {"measure": "requests", "clients": 1},
        ),
    ),
    "large": (
        Measure(
            "Acks of 16 KiB, 1 in flight for each of 10 clients",
            _rates("acks"),
            {"measure": "acks", "clients": 10, "size": 16_384},
        ),
    ),
    "largest": (
        Measure(
            "A message of 1 MB that is echoed, and what 10 others wait meanwhile",
            (
                Column("took", "until its ack, ms", "{:.0f}", 1000),
                Column("wait", "the longest wait of others, ms", "{:.1f}", 1000),
            ),
            {"measure": "largest", "clients": 10},
        ),
    ),
    "polling": (
        Measure(
            "Acks of one client that polls",
            _rates("acks", _MEDIAN, _P99),
            {"measure": "polling"},
        ),
    ),
    "tail": (
        Measure(
            "500 events a second of 50 clients",
            (_MEDIAN, _P99, Column("worst", "worst, ms", "{:.1f}", 1000, has_ratio=False)),
            {"measure": "tail"},
        ),
    ),
    "busy": (
        Measure(
            "500 busy clients, 1 in flight for each",
            (
                Column("few", "acks/s of 50", has_ratio=False),
                Column("rate", "acks/s of 500"),
                Column("kept", "500 / 50", "{:.2f}", has_ratio=False),
                Column("missing", "not answered in 30 s", has_ratio=False),
            ),
            {"measure": "crowd"},
            is_fresh=True,
        ),
    ),
    START: (
        Measure(
            "From the start of the process to the first answer",
            (Column("started", "s", "{:.2f}"),),
            {},
            is_fresh=True,
        ),
    ),
}
LOG_MEASURES = (*MEASURES["acks1"], *MEASURES["acks20"], _GET[0])
