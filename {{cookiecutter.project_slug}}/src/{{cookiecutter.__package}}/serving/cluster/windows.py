# Owned by the template: an update may change this file.
"""The windows of limits, which the processes of a service share in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...flask_view.handling.limiting import Asked, Windows

if TYPE_CHECKING:
    from .broker import RedisManager

# Several windows in one round trip, and by one clock: see Windows.take.
_TAKE = """
local time = redis.call('TIME')
local now, wait = time[1] + time[2] / 1e6, 0
for i, key in ipairs(KEYS) do
    local amount, seconds = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    local first = redis.call('LINDEX', key, -amount)
    if first then wait = math.max(wait, first + seconds - now) end
end
if wait == 0 then
    for i, key in ipairs(KEYS) do
        redis.call('RPUSH', key, string.format('%.6f', now))
        redis.call('LTRIM', key, -ARGV[2 * i - 1], -1)
        redis.call('EXPIRE', key, ARGV[2 * i])
    end
end
return string.format('%.6f', wait)
"""


class SharedWindows(Windows):
    """The calls that were let in by all processes; while Redis is away, those of this one."""

    def __init__(self, manager: RedisManager) -> None:
        """Start without any.

        :param manager: the connection to Redis.
        """
        super().__init__()
        self._manager = manager

    def take(self, asked: Sequence[Asked]) -> float:
        """Let a call in, if each of several windows has room for it; otherwise count it nowhere."""
        keys = [f"{self._manager.channel}:{key}" for key, _, _ in asked]
        numbers = [number for _, *numbers in asked for number in numbers]
        answers = self._manager.ask(("EVAL", _TAKE, len(keys), *keys, *numbers))
        return super().take(asked) if answers is None else float(answers[0])
