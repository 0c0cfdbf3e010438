# Owned by the template: an update may change this file.
"""What clients are told of who is in a room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Meta = TypeVar("Meta")

STATE, DIFF = "presence_state", "presence_diff"
"""The names of the events."""
MOST_SHOWN = 1_000
"""How many keys are named at most; the number of all of them is always told."""


@dataclass(frozen=True)
class PresenceState(Generic[Meta]):
    """Who is in a room: what a client is told once, after it has joined.

    ``PresenceState[Here]`` in ``sends`` says that ``Here`` is what a view tracks of somebody.
    """

    room: str
    count: int
    """How many keys there are."""
    present: dict[str, dict[str, Meta]]
    """What is known of a key, by key and by an id: one for each of its clients. It has the first
    thousand keys."""


@dataclass(frozen=True)
class PresenceDiff(Generic[Meta]):
    """What has changed since: first take the ``leaves`` away by their ids, then set the ``joins``.

    A key without an id has left. An id that is there already has changed.
    """

    room: str
    count: int
    """How many keys there are now."""
    joins: dict[str, dict[str, Meta]]
    leaves: dict[str, dict[str, Meta]]
