# Owned by the template: an update may change this file.
"""What the processes of a service share about who is where: the rosters of all of them, in Redis.

A hash for each room has those who are there, by ref, and another one how many clients each key has.
A process says every few seconds that it is alive. One that has not for a while, although Redis was
there, is taken for dead by the others, who remove its clients; should it be alive after all, it
notices, and puts them back.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ...flask_view.handling.serialization import dumps, loads
from ...flask_view.rooms.place import Meta, Place
from ...flask_view.rooms.roster import Change, Roster

if TYPE_CHECKING:
    from .broker import RedisManager

CHANNEL = "flask-socketio:presence"
"""The channel of the broker on which changes are told."""
_BEAT = 3.0
"""Seconds between two signs of life, and between two looks at those of others."""
# How long a sign of life lasts, and how many looks in succession have to miss it.
_LASTS = 7
_LOOKS = 2

# Who is in a room changes with the number of clients of each key, and with what the others hear.
# What is changed for a process that is dead is left alone if it lives after all.
_CHANGE = """
if KEYS[5] and redis.call('EXISTS', KEYS[5]) == 1 then
    return
end
local room, keys, rooms, processes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local process, name, channel, message, has_more = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local at = 7
for _ = 1, ARGV[6] do
    if redis.call('HSET', room, ARGV[at], ARGV[at + 2]) == 1 then
        redis.call('HINCRBY', keys, ARGV[at + 1], 1)
    end
    at = at + 3
end
while ARGV[at] do
    if redis.call('HDEL', room, ARGV[at]) == 1
            and redis.call('HINCRBY', keys, ARGV[at + 1], -1) <= 0 then
        redis.call('HDEL', keys, ARGV[at + 1])
    end
    at = at + 2
end
if has_more == '1' then
    redis.call('SADD', rooms, name)
    redis.call('SADD', processes, process)
else
    redis.call('SREM', rooms, name)
end
redis.call('PUBLISH', channel, message)
"""

_FORGET = """
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('SREM', KEYS[2], ARGV[1])
end
"""


class SharedRosters:
    """The part of the rosters that is in Redis."""

    def __init__(self, manager: RedisManager) -> None:
        """Ask nothing yet.

        :param manager: the connection to Redis.
        """
        self.is_behind = True
        """Whether messages of other processes, or changes of this one, may have been lost."""
        self._manager = manager
        self._next_beat = 0.0
        self._silent: dict[bytes, int] = {}

    def change(self, process: str, changes: list[Change]) -> None:
        """Store changes, and tell them to the others, in one round trip."""
        if self._manager.ask(*(self._command(process, change) for change in changes)) is None:
            self.is_behind = True

    def load(self, namespace: str, name: str) -> dict[str, tuple[str, str, Meta]] | None:
        """Return process, key and meta of those in a room, by ref; ``None`` while it is away."""
        answers = self._manager.ask(("HGETALL", _key("room", namespace, name)))
        if answers is None:
            self.is_behind = True
            return None
        return {ref.decode(): tuple(loads(kept)) for ref, kept in answers[0].items()}

    def counts(self, rooms: list[tuple[str, str]]) -> list[int] | None:
        """Return how many keys are in rooms, by namespace and name; ``None`` while it is away."""
        return self._manager.ask(*(("HLEN", _key("keys", *room)) for room in rooms))

    def hear(self, roster: Roster, message: bytes) -> None:
        """Pass on what another process has told."""
        process, namespace, name, puts, removes = loads(message)
        if process != roster.process:
            roster.heard(namespace, name, {ref: tuple(put) for ref, put in puts.items()}, removes)

    def look(self, roster: Roster) -> None:
        """Every few seconds, say that this process is alive, and see whether the others are."""
        now = time.monotonic()
        if now < self._next_beat and not self.is_behind:
            return
        alive = _key("alive", roster.process)
        answers = self._manager.ask(
            ("EXISTS", alive),
            ("SET", alive, "1", "EX", _LASTS),
            ("SADD", _key("processes"), roster.process),
            ("SMEMBERS", _key("processes")),
        )
        if answers is None:
            self.is_behind = True
            return
        self._next_beat = now + _BEAT
        # It may have been taken for dead without a sign of life, or Redis has begun anew.
        if self.is_behind or not answers[0]:
            self.is_behind = False
            # The others may be as late as this one.
            self._silent.clear()
            roster.reconcile()
        else:
            self._bury([*answers[3]])

    def _bury(self, processes: list[bytes]) -> None:
        """Remove the clients of processes that have been silent for too long."""
        alive = self._manager.ask(*(("EXISTS", _key("alive", one.decode())) for one in processes))
        if alive is None:
            self._silent.clear()
            return
        self._silent = {
            process: self._silent.get(process, 0) + 1
            for process, is_alive in zip(processes, alive, strict=True)
            if not is_alive
        }
        for process, looks in self._silent.items():
            if looks >= _LOOKS:
                self._remove(process.decode())

    def _remove(self, process: str) -> None:
        """Remove the clients of a process that is dead, from everywhere."""
        rooms = self._manager.ask(("SMEMBERS", _key("rooms", process)))
        for room in rooms[0] if rooms else ():
            namespace, name = loads(room)
            found = self.load(namespace, name)
            if found is None:
                return
            gone = {ref: key for ref, (owner, key, _) in found.items() if owner == process}
            # All hear it from the dead, this process among them.
            change = Change(Place(namespace, name), {}, gone)
            if self._manager.ask(self._command(process, change, _key("alive", process))) is None:
                return
        keys = (_key("alive", process), _key("processes"))
        self._manager.ask(("EVAL", _FORGET, len(keys), *keys, process))

    def _command(self, process: str, change: Change, *unless: str) -> tuple[Any, ...]:
        place, puts, removes = change
        namespace, name = place.namespace, place.name
        message = dumps([process, namespace, name, puts, list(removes)])
        keys = (
            _key("room", namespace, name),
            _key("keys", namespace, name),
            _key("rooms", process),
            _key("processes"),
            *unless,
        )
        stored = [
            argument
            for ref, (key, meta) in puts.items()
            for argument in (ref, key, dumps([process, key, meta]))
        ]
        removed = [argument for of_ref in removes.items() for argument in of_ref]
        has_more = "1" if place.own else "0"
        about = (process, dumps([namespace, name]), CHANNEL, message, has_more, len(puts))
        return ("EVAL", _CHANGE, len(keys), *keys, *about, *stored, *removed)


def _key(*parts: str) -> str:
    return ":".join(("flask-socketio", *parts))
