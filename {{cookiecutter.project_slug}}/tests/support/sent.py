# Owned by the template: an update may change this file.
"""What the service sends by itself, whether or not anybody hears it."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

from .matching import has, named


class Record(NamedTuple):
    """An event that was sent."""

    namespace: str
    event: str
    data: Any
    """What it carries, in JSON's types; several arguments are a tuple."""
    to: Any = None
    """The room or rooms, or the ``sid`` of a client; ``None`` is everyone in the namespace."""
    skip: Any = None
    """The ``sid`` of a client that does not get it."""


class Sent(list[Record]):
    """What was sent, the oldest first."""

    def __init__(self) -> None:
        """Start without any."""
        super().__init__()
        self._arrival = threading.Condition()

    def append(self, record: Record) -> None:
        """Add a record, and tell whoever waits for it."""
        with self._arrival:
            super().append(record)
            self._arrival.notify_all()

    def one(self, event: str, /, *, timeout: float = 2, **members: Any) -> Record:
        """Return the record of an event that was sent once, or is being sent in the background.

        :param event: the name of the event.
        :param timeout: how many seconds to wait for it.
        :param members: what its payload has; it may have more.
        :raises AssertionError: it was not sent, or several times; it shows what was.
        """
        __tracebackhide__ = True

        def such() -> list[Record]:
            return [one for one in self if one.event == event and has(one.data, members)]

        with self._arrival:
            self._arrival.wait_for(such, timeout)
            found = such()
            shown = "".join(f"\n  {record}" for record in self) or " nothing"
        if len(found) == 1:
            return found[0]
        times = f"{len(found)} times" if found else f"not within {timeout} s"
        raise AssertionError(f"{named(event, members)} was sent {times}. What was sent:{shown}")
