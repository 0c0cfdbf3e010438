# Owned by the template: an update may change this file.
"""Limiting: how often a method may be called, by whom, over both transports together.

Each limit is a moving window: a call is let in if fewer than so many were let in during the period
that ends with it. The library ``limits`` reads the texts, and is imported where there is one. The
counting is done here, and in ``serving/cluster/windows.py`` where processes share it. The library's
own storage in memory looks through all keys up to a hundred times a second, which holds everybody
up (for a quarter of a second with 100,000 addresses), and keeps each for ever. Its windows in Redis
take a round trip for every limit of a method, and know of one limit only, so that a call which one
of them refuses uses up another.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import current_app, request

from ..decorators import SOCKET_PREFIX, USER, Declared
from .errors import Problem
from .signature import RegistrationError
from .telemetry import current_user

if TYPE_CHECKING:
    from ..view import FlaskView

WINDOWS = "flask_view.windows"
"""The key of the windows of an application, in its ``extensions``; without it, ``Windows``."""
CLIENT_ADDRESS = "flask_view.address"
"""The key of what counts as the address of a client, in a WSGI environment."""

# Each call that was let in is remembered, in eight bytes, for as long as the period.
_MOST_CALLS = 10_000
_LONGEST_PERIOD = 366 * 24 * 3600
# If more are called at the same time, some are forgotten: that the memory is bounded matters more.
_MOST_KEYS = 100_000
# A client may choose what it is counted by, and so the length of the key.
_LONGEST_NAME = 100


@dataclass(frozen=True)
class Limit:
    """How many calls in how many seconds, and of whom."""

    limit: str
    """As a sentence has it: ``5 per second``."""
    amount: int
    seconds: int
    by: str
    """``user``, ``address``, or the name of a function."""
    shared: bool
    """Whether the calls of all methods of the view count together."""


Asked = tuple[str, int, int]
"""A window that is asked for: its key, and how many calls in how many seconds it lets in."""


class Windows:
    """The calls that were let in, in the memory of one process."""

    def __init__(self) -> None:
        """Start without any."""
        self._calls: OrderedDict[str, tuple[int, array[float]]] = OrderedDict()
        """By key, how many seconds the window has, and when the last calls were, oldest first."""
        self._lock = threading.Lock()

    def take(self, asked: Sequence[Asked]) -> float:
        """Let a call in, if each of several windows has room for it; otherwise count it nowhere.

        :param asked: the windows.
        :return: 0, or the seconds until all have room.
        """
        with self._lock:
            now, wait = time.monotonic(), 0.0
            for key, amount, seconds in asked:
                calls = self._calls.get(key)
                if calls and len(calls[1]) >= amount:
                    wait = max(wait, calls[1][0] + seconds - now)
            if wait > 0:
                return wait
            for key, amount, seconds in asked:
                calls = self._calls.get(key)
                if calls is None:
                    calls = self._calls[key] = seconds, array("d")
                if len(calls[1]) >= amount:
                    del calls[1][0]
                calls[1].append(now)
                self._forget(now)
        return 0.0

    def _forget(self, now: float) -> None:
        """Look at two of the keys, at most one of which is new: so none stays for ever."""
        for _ in range(2):
            key = next(iter(self._calls))
            seconds, calls = self._calls[key]
            if calls[-1] + seconds > now and len(self._calls) <= _MOST_KEYS:
                self._calls.move_to_end(key)
            else:
                del self._calls[key]


class Limiter:
    """All limits of one method, and of its view."""

    def __init__(
        self, cls: type[FlaskView], name: str, declared: Sequence[Declared], shared: Sequence[str]
    ) -> None:
        """Read the limits.

        :param cls: the class of the view.
        :param name: the name of the method.
        :param declared: what its ``@limit`` were given.
        :param shared: the limits of all methods of the view together.
        :raises RegistrationError: one of them is no limit.
        """
        self.limits: list[Limit] = []
        """What clients are told."""
        self._windows: list[tuple[Callable[[], str], list[Asked]]] = []
        key = f"{cls.__module__}.{cls.__qualname__}"
        if shared:
            self._add(f"{cls.__name__}.limits", key, Declared(tuple(shared), USER), shared=True)
        for number, each in enumerate(declared):
            self._add(f"{cls.__name__}.{name}, @limit", f"{key}.{name}/{number}", each)
        self.words = in_words(self.limits)

    def _add(self, place: str, key: str, declared: Declared, *, shared: bool = False) -> None:
        by = declared.by
        limits = [
            Limit(*found, by if isinstance(by, str) else _name_of(by), shared)
            for found in dict.fromkeys(_parsed(place, text) for text in declared.limits)
        ]
        whom = _by(by) if callable(by) else _user if by == USER else _address
        windows = [(f"{key}/{e.amount}/{e.seconds}/", e.amount, e.seconds) for e in limits]
        self.limits += limits
        self._windows.append((whom, windows))

    def take(self) -> None:
        """Count the current request or event.

        :raises Problem: 429, it is one too many.
        """
        asked = []
        for whom, windows in self._windows:
            caller = whom()
            asked += [(f"{key}{caller}", amount, seconds) for key, amount, seconds in windows]
        # What is added to a time and subtracted again is not always the same to the last bit.
        if seconds := math.ceil(round(current_app.extensions[WINDOWS].take(asked), 6)):
            detail = f"Too many: at most {self.words}. Try again in {seconds} s."
            raise Problem(429, detail, retry_after=seconds)


def limiter_of(cls: type[FlaskView], name: str, declared: Sequence[Declared]) -> Limiter | None:
    """Return what limits a method, if anything does.

    :param cls: the class of the view.
    :param name: the name of the method.
    :param declared: what its ``@limit`` were given.
    :raises RegistrationError: one of its limits is none, or nobody could be refused.
    """
    # A view may have a method of this name.
    shared = () if inspect.isfunction(cls.limits) else cls.limits
    if not isinstance(shared, tuple | list):
        raise RegistrationError(
            f'{cls.__name__}.limits has to be a tuple: limits = ("5/second", "100/minute")'
        )
    if declared and name == f"{SOCKET_PREFIX}disconnect":
        raise RegistrationError(f"{cls.__name__}.{name}: @limit cannot keep a client from leaving")
    if name in (f"{SOCKET_PREFIX}connect", f"{SOCKET_PREFIX}disconnect"):
        shared = ()
    return Limiter(cls, name, declared, shared) if declared or shared else None


def guard_of(view: FlaskView, name: str) -> Callable[[str], None]:
    """Return what decides whether a method may be called: ``authorize``, and its limits if any.

    :param view: the view, as it is being registered.
    :param name: the name of the method.
    """
    authorize = view.authorize
    limiter = view._limiters.get(name)
    if limiter is None:
        return authorize
    take = limiter.take

    def guard(action: str) -> None:
        authorize(action)
        take()

    return guard


def in_words(limits: Iterable[Limit]) -> str:
    """Return limits as a part of a sentence: ``5 per second and 100 per minute, by user``."""
    by: dict[str, list[str]] = {}
    for each in limits:
        whole = " for the whole view" if each.shared else ""
        by.setdefault(f"{whole}, by {each.by}", []).append(each.limit)
    return "; ".join(" and ".join(texts) + whom for whom, texts in by.items())


def _parsed(place: str, text: str) -> tuple[str, int, int]:
    """Return a limit as a sentence has it, and how many calls in how many seconds it is.

    :raises RegistrationError: it is none.
    """
    from limits import parse_many

    try:
        (item,) = parse_many(text)
        if not (0 < item.amount <= _MOST_CALLS and item.get_expiry() <= _LONGEST_PERIOD):
            raise ValueError
    except ValueError:
        raise RegistrationError(
            f'{place}: {text!r} is no limit. Write how many, and per what, such as "5/second", '
            f'"100 per minute" or "20/5 minutes"; from 1 to {_MOST_CALLS:,}, and a year at most.'
        ) from None
    several = f"{item.multiples} " if item.multiples > 1 else ""
    period = f"{several}{item.GRANULARITY.name}{'s' if several else ''}"
    return f"{item.amount} per {period}", item.amount, item.get_expiry()


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__).strip("<>_")


def _user() -> str:
    user = current_user()
    # As with the budget of a user: an object might have another text in another process.
    return f"user:{_short(str(user))}" if isinstance(user, str | int | UUID) else _address()


def _address() -> str:
    environ = request.environ
    return f"address:{environ.get(CLIENT_ADDRESS) or environ.get('REMOTE_ADDR', '')}"


def _by(function: Callable[[], Any]) -> Callable[[], str]:
    def whom() -> str:
        value = function()
        return _address() if value is None else f"value:{_short(str(value))}"

    return whom


def _short(name: str) -> str:
    if len(name) <= _LONGEST_NAME and name.isascii():
        return name
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
