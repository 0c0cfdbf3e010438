# Owned by the template: an update may change this file.
"""Telling the clients of this process who is in their rooms.

A change is told at once, and those that follow it at short intervals: if a thousand people come
into a room within a second, nobody is told a thousand times.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from .payloads import DIFF, STATE
from .place import News, Place

logger = logging.getLogger(__name__)

# Seconds between two messages about a room, and more of them for each client that gets one. To
# send it to a client takes about a tenth of that.
_PAUSE, _PAUSE_FOR_EACH = 0.05, 0.000_1


class Teller:
    """Tells clients who is in their rooms."""

    def __init__(self, manager: Any, changing: threading.RLock) -> None:
        """Start with nothing to tell.

        :param manager: Socket.IO's list of clients.
        :param changing: held while who is where changes.
        """
        self._manager = manager
        self._changing = changing
        self._waiting: dict[Place, None] = {}
        self._is_waiting = False

    def tell(self, place: Place) -> None:
        """Tell what has changed in a room, or leave it for a moment if that was done just now."""
        with self._changing:
            if place.is_being_told:
                # Whoever does it looks again.
                return
            place.is_being_told = True
        try:
            while news := self._next(place):
                self._send(place, news)
        except BaseException:
            place.is_being_told = False
            raise

    def tell_soon(self, place: Place) -> None:
        """Tell what has changed in a room in a moment, with what changes until then."""
        with self._changing:
            self._waiting[place] = None
            if self._is_waiting:
                return
            self._is_waiting = True
        self._manager.server.start_background_task(self._tell_waiting)

    def clients(self, namespace: str, name: str) -> list[str]:
        """Return the clients of this process that are in a room."""
        return [sid for sid, _ in self._manager.get_participants(namespace, name)]

    def is_empty(self, namespace: str, name: str) -> bool:
        """Tell whether no client of this process is in a room."""
        return name not in self._manager.rooms.get(namespace, ())

    def _next(self, place: Place) -> News | None:
        now = time.monotonic()
        with self._changing:
            if now < place.next_telling:
                self.tell_soon(place)
                news = None
            else:
                news = place.news(self.clients(place.namespace, place.name))
            if news is None:
                # While nobody can change anything: from here on, it is for others to tell.
                place.is_being_told = False
            else:
                reached = len(news.new) + (len(news.known) if news.diff else 0)
                place.next_telling = now + _PAUSE + _PAUSE_FOR_EACH * reached
        return news

    def _send(self, place: Place, news: News) -> None:
        if news.diff and news.known:
            # Not to the room: whoever has joined it just now does not know who is here.
            self._emit(place, DIFF, news.diff, news.known)
        if news.new:
            self._emit(place, STATE, news.state, news.new)

    def _emit(self, place: Place, event: str, payload: dict[str, Any], to: Any) -> None:
        # Other processes tell their own clients.
        self._manager.server.emit(
            event, payload, to=to, namespace=place.namespace, ignore_queue=True
        )

    def _tell_waiting(self) -> None:
        while True:
            self._manager.server.sleep(_PAUSE)
            with self._changing:
                now = time.monotonic()
                due = [place for place in self._waiting if place.next_telling <= now]
                for place in due:
                    del self._waiting[place]
                if not due and not self._waiting:
                    self._is_waiting = False
                    return
            for place in due:
                try:
                    self.tell(place)
                except Exception:
                    logger.exception("It could not be told who is in %s", place.room)
