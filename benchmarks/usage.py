"""What a process and those that it has started use, as Linux counts it."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> list[int]:
    """Return a process, those that it has started, and those that they have."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for known in found:
        found += parents.get(known, [])
    return found


def processor_seconds(pids: list[int]) -> float:
    """Return how long processes have computed so far, in themselves and in the kernel."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def memory(pids: list[int]) -> int:
    """Return the bytes of memory that processes have to themselves or share."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE for pid in pids)


def threads(pids: list[int]) -> int:
    """Return how many threads processes have."""
    return sum(len(os.listdir(f"/proc/{pid}/task")) for pid in pids)


@dataclass
class Used:
    """What has been used between two moments."""

    seconds: float
    server: float
    """The processor time of the server, in seconds."""
    own: float
    """The processor time of this process, in seconds."""


class Meter:
    """Counts from when it is made."""

    def __init__(self, pid: int) -> None:
        """Start to count.

        :param pid: the server's first process.
        """
        self._pids = family(pid)
        self._server = processor_seconds(self._pids)
        self._own = time.process_time()
        self._begun = time.perf_counter()

    def read(self) -> Used:
        """Return what has been used so far."""
        return Used(
            time.perf_counter() - self._begun,
            processor_seconds(self._pids) - self._server,
            time.process_time() - self._own,
        )
