# Owned by the template: an update may change this file.
"""Writing the log of a process that serves, which never waits for whoever reads it."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from prometheus_client import Counter

from ..async_mode import native

PAUSE = 0.02
"""Seconds for which lines are collected, to be written together."""
# So many seconds may pass at the end until everything is written.
_LAST_SECONDS = 1.0
# So many characters may wait; what comes then is lost.
_MOST = 10_000_000
# As many lines are joined without a break, in which nobody else can run.
_LINES_AT_ONCE = 100
# So many lines may wait that have no text yet; each is several objects.
_MOST_LINES = 20_000
# As many bytes go into a pipe as one piece, whoever else writes to it: PIPE_BUF of Linux.
_PIECE = 4096

_LOST = Counter("log_lines_lost", "Lines of the log that could not be written, and are lost.")

# What an asynchronous library puts in their place knows only its own threads.
_new_lock = native("_thread", "allocate_lock")
_ReentrantLock = native("_thread", "RLock")
_start_thread = native("_thread", "start_new_thread")
_sleep = native("time", "sleep")
_write = native("os", "write")


class LogWriter:
    """A stream of lines, which a thread of the operating system writes to a file.

    A number is changed either by those who write to it, who hold a lock, or by the thread, and so
    needs no lock between both.
    """

    def __init__(
        self,
        stream: TextIO,
        text_of: Callable[[tuple[Any, ...]], str],
        tell_lost: Callable[[int], str],
    ) -> None:
        """Start the thread.

        :param stream: an open file, with nothing in its buffer.
        :param text_of: makes a line of what was written in place of one; it raises nothing.
        :param tell_lost: returns the line which says that so many lines were lost.
        :raises OSError: the stream is no file of the operating system.
        """
        self._file = stream.fileno()
        self._encoding = stream.encoding
        self._text_of = text_of
        self._tell_lost = tell_lost
        self._lines: deque[str | tuple[Any, ...]] = deque()
        self._is_full = False
        # Characters that were ever accepted, lines that were not, and how many the metric knows of.
        self._accepted = self._refused = self._counted = 0
        # Characters that the thread was done with, lines that it could not write, and how many lost
        # ones it has told of.
        self._done = self._failed = self._told = 0
        # The handler of a signal may interrupt whoever holds it.
        self._lock = _ReentrantLock()
        self._alarm = _new_lock()
        self._alarm.acquire()
        self._sleeps = self._ends = self._has_ended = False
        os.register_at_fork(after_in_child=self._forget)
        _start_thread(self._run, ())

    def write(self, line: str) -> None:
        """Have a line written soon, or lose it if too much waits; the handler's lock is held.

        :param line: the line, with its end.
        """
        if self._has_ended:
            self._put(line)
        elif self._is_full or self._accepted - self._done > _MOST:
            self._refuse()
        else:
            self._accepted += len(line)
            self._lines.append(line)
        if self._sleeps:
            self._wake()

    def add(self, outcome: tuple[Any, ...]) -> None:
        """Have a line written soon that the thread makes, or lose it; no lock is needed.

        :param outcome: what the line is made of.
        """
        if self._is_full or len(self._lines) > _MOST_LINES:
            self._refuse()
        else:
            self._lines.append(outcome)
        if self._sleeps:
            self._wake()
        elif self._has_ended:
            self._write_rest()

    def close(self) -> None:
        """Write what waits, unless that takes too long; lines that follow are written at once."""
        self._ends = True
        self._wake()
        deadline = time.monotonic() + _LAST_SECONDS
        while not self._has_ended and time.monotonic() < deadline:
            _sleep(0.001)
        if self._has_ended:
            # A line may have come in the thread's last moment.
            self._write_rest()

    def _write_rest(self) -> None:
        with self._lock:
            self._empty()

    def _forget(self) -> None:
        """Leave what waits to the process that this one is a copy of, which has the thread."""
        self._lock = _ReentrantLock()
        self._lines.clear()
        self._has_ended = True
        self._sleeps = False

    def _count_lost(self) -> None:
        lost = self._refused + self._failed
        _LOST.inc(lost - self._counted)
        self._counted = lost

    def _refuse(self) -> None:
        with self._lock:
            self._is_full = True
            self._refused += 1
            self._count_lost()

    def _wake(self) -> None:
        with self._lock:
            self._count_lost()
        self._sleeps = False
        # Two may find it asleep at a time.
        with suppress(RuntimeError):
            self._alarm.release()

    def _run(self) -> None:
        try:
            while not self._ends:
                self._sleeps = True
                if not (self._lines or self._is_full or self._ends):
                    self._alarm.acquire()
                self._sleeps = False
                if not self._ends:
                    _sleep(PAUSE)
                self._empty()
        finally:
            self._has_ended = True

    def _empty(self) -> None:
        """Write all that waits."""
        while self._lines:
            count = min(len(self._lines), _LINES_AT_ONCE)
            lines = [self._lines.popleft() for _ in range(count)]
            if not self._put(self._joined(lines)):
                self._failed += count
            self._done += sum([len(one) for one in lines if isinstance(one, str)])
        # What was refused came after these lines, and before those that are accepted from now on.
        self._is_full = False
        lost = self._refused + self._failed - self._told
        if lost and self._put(self._tell_lost(lost)):
            self._told += lost

    def _joined(self, lines: list[str | tuple[Any, ...]]) -> str:
        return "".join([one if isinstance(one, str) else self._text_of(one) for one in lines])

    def _put(self, text: str) -> bool:
        """Write lines, however long that takes; return false if they cannot be written."""
        data = text.encode(self._encoding, "backslashreplace")
        start = 0
        while start < len(data):
            end = data.rfind(b"\n", start, start + _PIECE) + 1 or start + _PIECE
            try:
                start += _write(self._file, data[start:end])
            except BlockingIOError:
                _sleep(PAUSE)
            except OSError:
                return False
        return True
