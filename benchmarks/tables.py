"""The tables that `peers.py` prints, in Markdown."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from measures import Column, Measure
from workshop import Peer, python_of, versions

Figures = dict[str, float]
# Above this share of its processor, the load generator may be what is measured.
BUSY = 0.8


def median(key: str, its: list[Figures]) -> float | None:
    """Return the median of a figure, or nothing in a round without answers, which has none."""
    if any(key not in figures for figures in its):
        return None
    return statistics.median(figures[key] for figures in its)


def ratio(column: Column, its: list[Figures], others: list[Figures]) -> float | None:
    """Return the median of the ratios of all rounds, or nothing if there is none."""
    pairs = [
        (one.get(column.key, 0.0), other.get(column.key, 0.0))
        for one, other in zip(its, others, strict=True)
    ]
    if not all(other for _, other in pairs):
        return None
    return statistics.median(one / other for one, other in pairs)


def table(
    measure: Measure, rounds: dict[str, list[Figures]], failures: dict[str, str], is_base: bool
) -> Iterator[str]:
    """Yield the lines of a table; every figure in it is the median of all rounds.

    :param rounds: the figures of all peers in all rounds.
    :param failures: what went wrong with those that have none.
    :param is_base: whether the ratios are of the others to the first, instead of the first to them.
    """
    first, ours = next(iter(rounds.items()))
    headings = ["peer"]
    for column in measure.columns:
        headings.append(column.heading)
        if column.has_ratio:
            headings.append(f"it / {first}" if is_base else f"{first} / it")
    has_share = any("share" in figures for figures in ours)
    if has_share:
        headings.append("load generator")
    yield _line(headings)
    yield _line(["---"] * len(headings))
    for name, its in rounds.items():
        cells = [name]
        for column in measure.columns:
            figure = median(column.key, its)
            cells.append("" if figure is None else column.text.format(figure * column.factor))
            if column.has_ratio:
                found = ratio(column, its, ours) if is_base else ratio(column, ours, its)
                cells.append(shown(found))
        if has_share:
            share = median("share", its) or 0.0
            cells.append(f"{share:.0%}" + (" **too busy**" if share > BUSY else ""))
        yield _line(cells)
    for name, problem in failures.items():
        yield _line([name, f"failed: {problem}", *[""] * (len(headings) - 2)])


def summary(
    peer: str, found: dict[tuple[str, str], dict[str, float | None]], modes: Sequence[str]
) -> Iterator[str]:
    """Yield the lines of a table of the ratios to one peer.

    :param found: the ratios by mode, by measure and figure.
    :param modes: the modes, a column for each.
    """
    yield f"\n### Ours divided by {peer}\n"
    yield _line(["", *modes])
    yield _line(["---"] * (1 + len(modes)))
    for (title, figure), by_mode in found.items():
        yield _line([f"{title}: {figure}", *(shown(by_mode.get(mode)) for mode in modes)])


def machine() -> str:
    """Return what this is measured on."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.split(":", 1)[1].strip() for line in info if line.startswith("model name")]
    model = names[0] if names else platform.machine()
    return f"{model}, {os.cpu_count()} processors, {platform.system()} {platform.release()}"


def libraries(peers: list[Peer]) -> Iterator[str]:
    """Yield what the peers consist of."""
    found: dict[str, set[str]] = {}
    for peer in peers:
        for name, version in versions(peer).items():
            found.setdefault(name, set()).add(version)
    pythons = {python_of(peer) for peer in peers if peer.environment}
    known = (f"{name} {' and '.join(sorted(its))}" for name, its in sorted(found.items()))
    yield ", ".join([*sorted(pythons), *known])


def shown(value: float | None) -> str:
    """Return a ratio as it stands in a table."""
    return "" if value is None else f"{value:.2f}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
