# Owned by the template: an update may change this file.
"""What clients are told of who is in a room.

In ``sends``, ``PresenceState[Here]`` and ``PresenceDiff[Here]`` say that ``Here`` is what the view
tracks of somebody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Meta = TypeVar("Meta")

STATE, DIFF = "presence_state", "presence_diff"
"""The names of the events."""
MOST_SHOWN = 1_000
"""How many clients are named at most; the number of all keys is always told."""


@dataclass(frozen=True)
class PresenceState(Generic[Meta]):
    """Who is in a room: what a client is told once, after it has joined."""

    room: str
    count: int
    """How many keys there are."""
    present: dict[str, dict[str, Meta]]
    """What is known of each client, by key and id; of the first thousand."""


@dataclass(frozen=True)
class PresenceDiff(Generic[Meta]):
    """What has changed in a room since: remove the leaves by their ids, then set the joins.

    A key without an id has left. A join with an id that is there already is a change.
    """

    room: str
    count: int
    """How many keys there are now."""
    joins: dict[str, dict[str, Meta]]
    leaves: dict[str, dict[str, Meta]]
