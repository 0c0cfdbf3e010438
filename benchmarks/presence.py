"""What it costs to know who is in a room: with how many it grows, and with how many it does not.

    uv run python benchmarks/presence.py [eventlet|gevent|threading] [--json FILE]

It counts, within one process of a generated service and without its clients, the processor time of
that process and its round trips to Redis for each call of a view. With Redis, this starts one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tables import machine
from workshop import MODES, SERVERS

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from conftest import ROOT, generate
from environments import environ, interpreter
from redis_server import Redis, redis
from server import package_of

# Keys in the room that is measured, and how many rooms there are, with ten keys in each other one.
SIZES = ((10, 1), (1_000, 1), (10_000, 1), (10_000, 1_000))
ROWS = {
    "join": "`track`, of a new client",
    "update": "`update`",
    "leave": "`untrack`",
    "list": "`list`",
    "list elsewhere": "`list`, where nobody is in the room",
    "count": "`count` of one room",
    "count elsewhere": "`count` of one room, where nobody is in it",
    "count of 100": "`count` of 100 rooms",
    "heard": "hearing of a client that came and one that left in another process",
    "told": "telling all in the room of a change, before it is sent",
}


def measured(service: Path, url: str, keys: int, rooms: int) -> dict[str, Any]:
    """Return the figures for so many keys in a room and so many rooms, with or without Redis."""
    command = ["-m", f"{package_of(service)}.roster", url, str(keys), str(rooms)]
    done = subprocess.run(
        [interpreter(service), *command],
        cwd=service,
        env=environ(service),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def with_redis(service: Path, keys: int, rooms: int, broker: Redis) -> dict[str, Any]:
    """Return the same with Redis, which is emptied before, and the bytes that it needs for each."""
    broker.ask("FLUSHALL")
    return measured(service, broker.url, keys, rooms)


def table(columns: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a table."""
    headings = [f"{keys:,} keys, {rooms:,} room{'s'[: rooms > 1]}" for keys, rooms in SIZES]
    yield "| Microseconds of processor time | " + " | ".join(headings) + " | round trips |"
    yield "| --- " * (len(SIZES) + 2) + "|"
    for key, name in ROWS.items():
        if key in columns[0]:
            cells = [f"{found[key]['us']:,.0f}" for found in columns]
            trips = max(found[key]["trips"] for found in columns)
            yield f"| {name} | " + " | ".join(cells) + f" | {trips:.0f} |"


def main() -> None:
    """Measure, and print tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", nargs="?", choices=MODES, default=MODES[0])
    parser.add_argument("--json", type=Path, help="a file for the figures")
    arguments = parser.parse_args()
    figures: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder, redis() as broker:
        service = generate(Path(folder), ROOT, async_mode=arguments.mode, starter="minimal")
        shutil.copy(SERVERS / "roster.py", service / "src" / package_of(service))
        figures["in memory"] = [measured(service, "", *size) for size in SIZES]
        figures["with Redis"] = [with_redis(service, *size, broker) for size in SIZES]
    print(machine())
    for title, columns in figures.items():
        print(f"\n{arguments.mode}, {title}\n", *table(columns), sep="\n")
    found = figures["with Redis"][2]
    print(f"\nRedis keeps {found['kept']:.0f} bytes for each client of 10,000 in a room.")
    print(f"`presence_state` with 1,000 keys has {found['state']:,} bytes.")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
