"""What a generated service does per second, against the servers that people would take else.

    uv run python benchmarks/peers.py [eventlet|gevent|threading ...] [--measures acks1 ...]

The peers are bare Flask-SocketIO in the same mode, python-socketio with FastAPI on uvicorn, and
socket.io on Node. All do the same work, one after the other in each round, and in the next round in
the reverse order. A ratio is that of two neighbours in one round; printed is the median of those of
all rounds. `control` is the service once more, against itself: what differs by less than that
differs by nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop import LOGS, MODES, Peer, Running, Workshop, mode_of, pin, running, versions

LOAD = Path(__file__).resolve().parent / "load.py"
OURS, CONTROL, OTHER = "ours", "control", "other"
# Above this share of its processor, the load generator may be what is measured.
BUSY = 0.8
JOB_TAKES_AT_MOST = 300.0


@dataclass(frozen=True)
class Measure:
    """Something to measure."""

    title: str
    unit: str
    job: dict[str, Any]


MEASURES = {
    "acks1": Measure("Acks, 1 in flight, 50 clients", "acks", {"measure": "acks"}),
    "acks20": Measure(
        "Acks, 20 in flight, 50 clients", "acks", {"measure": "acks", "in_flight": 20}
    ),
    "model": Measure(
        "Acks of a model of three fields", "acks", {"measure": "acks", "event": "model"}
    ),
    "fanout": Measure(
        "Fan-out to 500 clients", "deliveries", {"measure": "fanout", "clients": 500}
    ),
}


@dataclass
class Sample:
    """One peer's figures in one round."""

    rate: float
    per_processor_second: float
    share: float
    """How much of its processor the load generator used."""
    times: dict[str, float]


def main() -> None:
    """Measure, and print."""
    options = arguments()
    processors = sorted(os.sched_getaffinity(0))
    server = processors[0] if len(processors) > 1 else None
    if server is not None:
        pin(processors[1])
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        workshop = Workshop(folder.resolve(), options.python)
        print(machine(), flush=True)
        modes = [mode_of(options.service)] if options.service else options.modes
        for mode in modes:
            peers = gather(workshop, mode, options)
            for peer in peers:
                print(f"\n{peer.name}: {described(peer)}", flush=True)
            for name in options.measures:
                compare(mode, MEASURES[name], peers, options, server)


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("modes", nargs="*", metavar="mode", default=list(MODES), help=", ".join(MODES))
    add("--measures", nargs="+", choices=MEASURES, default=list(MEASURES), metavar="MEASURE",
        help=", ".join(MEASURES))  # fmt: skip
    add("--rounds", type=int, default=6)
    add("--seconds", type=float, default=2.0, help="for each peer in each round")
    add("--peers", nargs="*", choices=("bare", "uvicorn", "node"), metavar="PEER",
        default=["bare", "uvicorn", "node"], help="bare, uvicorn, node; none: --peers")  # fmt: skip
    add("--control", action="store_true", help="the service against itself")
    add("--service", type=Path, help="a generated service with its .venv, instead of a new one")
    add("--other", type=Path, help="another one, to compare with")
    add("--variant", action="append", default=[], metavar="NAME=VALUE[,NAME=VALUE]",
        help="the service once more, with these settings")  # fmt: skip
    add("--log", default="INFO", help="the LOG_LEVEL of the service")
    add("--log-to", default="pipe", choices=LOGS)
    add("--python", default=sys.executable, help="the interpreter, or its version, of all peers")
    add("--folder", type=Path, help="where the peers are made, and kept for the next time")
    options = parser.parse_args()
    if unknown := set(options.modes) - set(MODES):
        parser.error(f"There is no mode {', '.join(sorted(unknown))}")
    return options


def gather(workshop: Workshop, mode: str, options: argparse.Namespace) -> list[Peer]:
    """Return the peers of a mode, our service first."""
    settings = {"LOG_LEVEL": options.log}
    ours = workshop.service(f"{OURS}-{mode}", options.service or workshop.generated(mode))
    ours = ours.with_settings(OURS, **settings)
    peers: list[Peer | None] = [ours]
    if options.control:
        peers.append(ours.with_settings(CONTROL))
    if options.other:
        peers.append(
            workshop.service(f"{OTHER}-{mode}", options.other).with_settings(OTHER, **settings)
        )
    for variant in options.variant:
        changes = dict(change.split("=", 1) for change in variant.split(","))
        peers.append(ours.with_settings(variant, **changes))
    known = {"bare": lambda: workshop.bare(mode), "uvicorn": workshop.asgi, "node": workshop.node}
    peers += [known[name]() for name in options.peers]
    return [peer for peer in peers if peer]


def compare(
    mode: str,
    measure: Measure,
    peers: list[Peer],
    options: argparse.Namespace,
    processor: int | None,
) -> None:
    """Measure all peers in turns, and print the table."""
    samples: dict[str, list[Sample]] = {peer.name: [] for peer in peers}
    with ExitStack() as stack:
        order = [stack.enter_context(running(peer, processor, options.log_to)) for peer in peers]
        for server in order:
            # Nobody is at its best at once.
            load(server, measure.job | {"seconds": 0.5})
        for _ in range(options.rounds):
            for server in order:
                found = load(server, measure.job | {"seconds": options.seconds})
                samples[server.peer.name].append(sample(found))
            order.reverse()
    print(f"\n### {mode}: {measure.title}\n")
    print("\n".join(table(measure, samples)), flush=True)


def load(server: Running, job: dict[str, Any]) -> dict[str, Any]:
    """Let the load generator do a measurement with a server."""
    job = job | {"port": server.port, "pid": server.pid}
    done = subprocess.run(
        [sys.executable, str(LOAD), json.dumps(job)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=JOB_TAKES_AT_MOST,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{server.peer.name}, {job}:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def sample(found: dict[str, Any]) -> Sample:
    """Return the figures in what the load generator says."""
    return Sample(
        found["count"] / found["seconds"],
        found["count"] / found["server"],
        found["own"] / found["seconds"],
        found["times"],
    )


def table(measure: Measure, samples: dict[str, list[Sample]]) -> Iterable[str]:
    """Yield the lines of a table, the median of each figure in it."""
    yield (
        f"| peer | {measure.unit}/s | ours / it | {measure.unit} per processor second | ours / it"
        " | median, p99 in ms | load generator |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    ours = samples[OURS]
    for name, its in samples.items():
        rate = statistics.median(one.rate for one in its)
        cost = statistics.median(one.per_processor_second for one in its)
        pairs = list(zip(ours, its, strict=True))
        by_rate = statistics.median(our.rate / one.rate for our, one in pairs)
        by_cost = statistics.median(
            our.per_processor_second / one.per_processor_second for our, one in pairs
        )
        share = statistics.median(one.share for one in its)
        warned = " **busy**" if share > BUSY else ""
        times = [
            f"{statistics.median(one.times[which] for one in its) * 1000:.1f}"
            for which in ("p50", "p99")
            if its[0].times
        ]
        yield (
            f"| {name} | {rate:,.0f} | {by_rate:.2f} | {cost:,.0f} | {by_cost:.2f}"
            f" | {', '.join(times)} | {share:.0%}{warned} |"
        )


def machine() -> str:
    """Return what this is measured on."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    (model,) = {line.split(":", 1)[1].strip() for line in info.splitlines()
                if line.startswith("model name")} or {platform.machine()}  # fmt: skip
    return f"{model}, {os.cpu_count()} processors, {platform.system()} {platform.release()}"


def described(peer: Peer) -> str:
    """Return the libraries of a peer, on a line."""
    return ", ".join(f"{name} {version}" for name, version in sorted(versions(peer).items()))


if __name__ == "__main__":
    main()
