"""What a generated service does in a second, compared with the servers people would take instead.

    uv run python benchmarks/peers.py [eventlet|gevent|threading ...] [--measures acks1 ...]

The peers are bare Flask-SocketIO in the same mode, python-socketio with FastAPI on uvicorn, and
socket.io on Node. In each round all do the same work, one after the other, and in the next round in
the reverse order. A ratio is that of two figures of one round; printed is the median of those of
all rounds. With `--control` the service also runs against itself: what differs by no more than that
does not differ.

The server has one processor and the load generator another, whose share of it stands in each table.
Where that is near 100 %, the load generator is what was measured, and not the server.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from measures import LOG_MEASURES, MEASURES, Measure
from tables import Figures, libraries, machine, ratio, summary, table
from workshop import LOGS, MODES, Peer, Running, Workshop, mode_of, pin, running

LOAD = Path(__file__).resolve().parent / "load.py"
LOG = "log"
PEERS = ("bare", "uvicorn", "node")
JOB_TAKES_AT_MOST = 300.0


class FailedError(Exception):
    """A measurement has failed."""


def main() -> None:
    """Measure, and print."""
    options = arguments()
    # So that the servers are stopped, whoever stops this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Terminated"))
    processors = sorted(os.sched_getaffinity(0))
    is_pinned = len(processors) > 1
    if is_pinned:
        pin(processors[1])
    bench = Bench(options, processors[0] if is_pinned else None)
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        workshop = Workshop(folder.resolve(), options.python)
        print(f"{machine()}; medians of {options.rounds} rounds", flush=True)
        given = {mode_of(project): project for project in options.service or []}
        for mode in given or options.modes:
            peers = gather(workshop, mode, given.get(mode), options)
            print(f"\n## {mode}\n", *libraries(peers), sep="\n", flush=True)
            bench.measure(mode, peers)
    bench.conclude()


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    names = (*MEASURES, LOG)
    add("modes", nargs="*", metavar="mode", default=list(MODES), help=", ".join(MODES))
    add(
        *("-m", "--measures"),
        nargs="+",
        choices=names,
        default=list(names),
        metavar="MEASURE",
        help=f"{', '.join(names)}; all of them by default",
    )
    add("--rounds", type=int, default=6, help="6 by default")
    add("--seconds", type=float, default=2.0, help="for each peer in each round; 2 by default")
    add(
        "--peers",
        nargs="*",
        choices=PEERS,
        default=list(PEERS),
        metavar="PEER",
        help=f"{', '.join(PEERS)}; all of them by default",
    )
    add("--control", action="store_true", help="the service also against itself")
    add(
        "--service",
        type=Path,
        nargs="+",
        help="services with their .venv in them, one for each mode, instead of new ones",
    )
    add("--other", type=Path, nargs="+", help="services to compare these with")
    add(
        "--variant",
        action="append",
        default=[],
        metavar="NAME=VALUE[,NAME=VALUE]",
        help="compare the service with itself under these settings",
    )
    add("--log", default="INFO", metavar="LEVEL", help="the LOG_LEVEL of the service; INFO")
    add("--log-to", default="pipe", choices=LOGS, help="where the servers' output goes; pipe")
    add("--python", default=sys.executable, help="the Python of the peers, or its version")
    add("--folder", type=Path, help="where the peers are made, and kept for the next time")
    add("--json", type=Path, help="a file for the figures of every round")
    options = parser.parse_args()
    if unknown := set(options.modes) - set(MODES):
        parser.error(f"There is no mode {', '.join(sorted(unknown))}")
    return options


def gather(
    workshop: Workshop, mode: str, project: Path | None, options: argparse.Namespace
) -> list[Peer]:
    """Return the peers of a mode, our service first.

    :param project: the service, if it is not to be generated.
    """
    level = {"LOG_LEVEL": options.log}
    ours = workshop.service(f"ours-{mode}", project or workshop.generated(mode))
    ours = ours.with_settings("ours", **level)
    peers: list[Peer | None] = [ours]
    if options.control:
        peers.append(replace(ours, name="control"))
    for other in options.other or []:
        if mode_of(other) == mode:
            found = workshop.service(f"other-{mode}", other)
            peers.append(found.with_settings("other", **level))
    for variant in options.variant:
        changes = dict(change.split("=", 1) for change in variant.split(","))
        peers.append(ours.with_settings(variant, **changes))
    makers = {"bare": lambda: workshop.bare(mode), "uvicorn": workshop.asgi, "node": workshop.node}
    peers += [makers[name]() for name in options.peers]
    return [peer for peer in peers if peer]


class Bench:
    """Measures, and keeps what it finds."""

    def __init__(self, options: argparse.Namespace, processor: int | None) -> None:
        """Keep how to measure.

        :param processor: the processor of the servers.
        """
        self._options = options
        self._processor = processor
        self._modes: list[str] = []
        self._ratios: dict[str, dict[tuple[str, str], dict[str, float | None]]] = {}
        self._rounds: list[dict[str, Any]] = []

    def measure(self, mode: str, peers: list[Peer]) -> None:
        """Measure all that is wanted of the peers of a mode, and print it."""
        self._modes.append(mode)
        for name in self._options.measures:
            for measure in MEASURES.get(name, ()):
                self._compare(mode, measure, [measure.prepared(peer) for peer in peers])
        if LOG in self._options.measures:
            ours = peers[0]
            variants = [
                ours.with_settings("at WARNING", LOG_LEVEL="WARNING"),
                ours.with_settings("text", LOG_FORMAT="text"),
                ours.with_settings("json", LOG_FORMAT="json"),
            ]
            for sink in LOGS:
                for measure in LOG_MEASURES:
                    logged = replace(measure, title=f"{measure.title}; the log to a {sink}")
                    self._compare(mode, logged, variants, sink)

    def conclude(self) -> None:
        """Print all ratios once more, and write the figures if that is wanted."""
        print("\n## Ratios\n\nAbove 1.00 ours does more; of times and of memory, it takes more.")
        for peer, found in self._ratios.items():
            print("\n".join(summary(peer, found, self._modes)), flush=True)
        if self._options.json:
            self._options.json.write_text(json.dumps(self._rounds, indent=1), encoding="utf-8")

    def _compare(
        self, mode: str, measure: Measure, peers: list[Peer], sink: str | None = None
    ) -> None:
        """Measure all peers in turns, and print the table.

        :param sink: where the log goes, if that is what is compared.
        """
        rounds: dict[str, list[Figures]] = {peer.name: [] for peer in peers}
        failures: dict[str, str] = {}
        print(f"\n### {mode}: {measure.title}\n", flush=True)
        with ExitStack() as stack:
            servers = [_Server(peer, measure, self._processor, sink or self._options.log_to)
                       for peer in peers]  # fmt: skip
            # The first round does not count: nobody is at its best at once.
            for number in range(self._options.rounds + 1):
                for server in servers:
                    name = server.peer.name
                    if name in failures:
                        continue
                    try:
                        figures = server.measure(stack, self._options.seconds if number else 0.5)
                    except FailedError as error:
                        print(f"{name}: {error}", file=sys.stderr, flush=True)
                        failures[name] = str(error).strip().splitlines()[-1][:200]
                        del rounds[name]
                        continue
                    if number:
                        rounds[name].append(figures)
                servers.reverse()
        if peers[0].name in failures:
            print(f"{peers[0].name} failed: {failures[peers[0].name]}", flush=True)
            return
        print("\n".join(table(measure, rounds, failures, is_base=bool(sink))), flush=True)
        self._rounds.append({"mode": mode, "measure": measure.title, "rounds": rounds})
        first, *others = rounds
        for other in others if not sink else []:
            for column in measure.columns:
                if column.has_ratio:
                    found = ratio(column, rounds[first], rounds[other])
                    by_figure = self._ratios.setdefault(other, {})
                    by_figure.setdefault((measure.title, column.heading), {})[mode] = found


class _Server:
    """A peer in one comparison: started once, or for each round."""

    def __init__(self, peer: Peer, measure: Measure, processor: int | None, sink: str) -> None:
        self.peer = peer
        self._measure = measure
        self._how = (processor, sink)
        self._running: Running | None = None

    def measure(self, stack: ExitStack, seconds: float) -> Figures:
        """Measure it once.

        :param stack: where it is left to run, if it is not started for each round.
        :raises FailedError: that is not possible.
        """
        try:
            if self._measure.is_fresh:
                with running(self.peer, *self._how) as server:
                    return self._load(server, seconds)
            if self._running is None:
                self._running = stack.enter_context(running(self.peer, *self._how))
        except RuntimeError as error:
            raise FailedError("\n".join([*getattr(error, "__notes__", ()), str(error)])) from error
        return self._load(self._running, seconds)

    def _load(self, server: Running, seconds: float) -> Figures:
        """Let the load generator do its work."""
        if not self._measure.job:
            return {"started": server.started_in}
        job = self._measure.job | {"port": server.port, "pid": server.pid, "seconds": seconds}
        try:
            done = subprocess.run(
                [sys.executable, str(LOAD), json.dumps(job)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                timeout=JOB_TAKES_AT_MOST,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise FailedError(f"It took more than {JOB_TAKES_AT_MOST:.0f} s") from error
        if done.returncode:
            raise FailedError(done.stderr)
        found: Figures = json.loads(done.stdout)
        return found


if __name__ == "__main__":
    main()
