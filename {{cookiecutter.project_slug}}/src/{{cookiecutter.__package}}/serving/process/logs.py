# Owned by the template: an update may change this file.
"""Where the service writes its log: to the standard error output, as text or as JSON."""

from __future__ import annotations

import logging.config
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from ...flask_view.handling import telemetry
from ..async_mode import native
from ..settings import ServingSettings
from .log_writer import PAUSE, LogWriter

# What a line says of whom it belongs to, and by which word.
_LABELS = {"request_id": "request", "sid": "sid", "user": "user"}
# Error trackers that want to see every record replace this.
_CALL_HANDLERS = logging.Logger.callHandlers


def configure_logging(settings: ServingSettings) -> None:
    """Send everything that the service logs to the standard error output.

    :param settings: the level, and the format: lines for people or JSON objects for machines.
    """
    is_text = settings.log_format == "text"
    # By its name what a service that writes text has no use for, libraries and all.
    formatter = TextFormatter if is_text else f"{__package__}.json_lines.JsonFormatter"
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"context": {"()": Context}},
            "formatters": {"lines": {"()": formatter}},
            "handlers": {
                "stderr": {
                    "()": StderrHandler,
                    "filters": ["context"],
                    "formatter": "lines",
                }
            },
            "root": {"level": settings.log_level, "handlers": ["stderr"]},
            # Below this level these two write what clients send, a line for every packet.
            "loggers": {"engineio": {"level": "WARNING"}, "socketio": {"level": "WARNING"}},
        }
    )


def write_in_background() -> None:
    """Let nobody who logs wait for the terminal, the file or the pipe: this process serves now."""
    # On Windows there are only servers for development.
    if sys.platform != "win32":
        for handler in _handlers():
            # What stands in place of the standard error output may be no file.
            with suppress(AttributeError, OSError):
                handler.write_in_background()


def write_what_waits() -> None:
    """Write the last lines of a process that ends at once, without Python's own way to end."""
    for handler in _handlers():
        handler.write_what_waits()


def _handlers() -> Iterator[StderrHandler]:
    return (each for each in logging.getLogger().handlers if isinstance(each, StderrHandler))


class StderrHandler(logging.StreamHandler[Any]):
    """Writes each line at once, or in the background when it is told to."""

    def __init__(self) -> None:
        """Write the lines of requests and events from now on, too."""
        super().__init__()
        self._alone_until = 0.0
        self._add: Callable[[telemetry.Outcome], None]
        telemetry.sink = self

    def write_outcome(self, outcome: telemetry.Outcome) -> bool:
        """Write the line of a request or event, unless somebody else has to see a record of it."""
        if outcome[1] >= self._alone_until:
            if not self._is_alone():
                return False
            if not isinstance(self.stream, LogWriter):
                self._write_now(outcome)
                return True
            # To ask takes as long as the rest of this, so it is asked once for each batch.
            self._alone_until = outcome[1] + PAUSE
        self._add(outcome)
        return True

    def _write_now(self, outcome: telemetry.Outcome) -> None:
        try:
            with self.lock:  # type: ignore[union-attr]
                self.stream.write(self._line_of(outcome))
        except Exception:
            # What has been done for a client must not fail for its line.
            self._let_go(outcome)

    def _line_of(self, outcome: telemetry.Outcome) -> str:
        level, created, what, fields, seconds, origin = outcome
        formatter: Any = self.formatter
        if isinstance(formatter, TextFormatter):
            text, fields = telemetry.message_of(what, seconds), origin
        else:
            text, fields = telemetry.described(what, fields, seconds, origin)
        name = logging.getLevelName(level)
        line: str = formatter.line(created, name, telemetry.logger.name, text, fields)
        return line + self.terminator

    def _later_line_of(self, outcome: telemetry.Outcome) -> str:
        try:
            return self._line_of(outcome)
        except Exception:
            self._let_go(outcome)
            return ""

    def _let_go(self, outcome: telemetry.Outcome) -> None:
        """Say what is wrong with the line of an outcome, where ``logging`` does."""
        level, _, what, fields, seconds, origin = outcome
        self.handleError(
            telemetry.Line(level, *telemetry.described(what, fields, seconds, origin), None)
        )

    def _is_alone(self) -> bool:
        """Tell whether no other handler and no filter would see a record of a request or event."""
        logger, root = telemetry.logger, logging.root
        while logger is not root and logger.parent:
            if logger.handlers or logger.filters or not logger.propagate:
                return False
            logger = logger.parent
        return (
            root.handlers == [self]
            and len(self.filters) == 1
            and not self.level
            and logging.Logger.callHandlers is _CALL_HANDLERS
            and logging.getLogRecordFactory() is logging.LogRecord
        )

    def createLock(self) -> None:  # noqa: N802
        """Create a lock that never makes one green thread wait for another."""
        super().createLock()
        self.lock = native("_thread", "RLock")()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, which needs no flush: this stream does that by itself after each."""
        try:
            self.stream.write(self.format(record) + self.terminator)
        except Exception:
            self.handleError(record)

    def write_in_background(self) -> None:
        """Write in the background from now on.

        :raises OSError: the stream is no file of the operating system.
        """
        self.flush()
        writer = LogWriter(self.stream, self._later_line_of, self._tell_lost)
        self.setStream(writer)
        self._add = writer.add

    def write_what_waits(self) -> None:
        """Write what waits in the background, and then at once again."""
        if isinstance(self.stream, LogWriter):
            self.stream.close()

    def close(self) -> None:
        """Write what waits: ``logging`` does this last of all when Python ends."""
        self.write_what_waits()
        super().close()

    def _tell_lost(self, lines: int) -> str:
        text = f"{lines} lines of the log were lost here, because they could not be written"
        return self.format(telemetry.Line(logging.WARNING, text, {}, None)) + self.terminator


class Context(logging.Filter):
    """Adds to each line which request or event it belongs to, and which user."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add this to a record, as fields."""
        if not isinstance(record, telemetry.Line):
            for name, value in telemetry.context().items():
                vars(record).setdefault(name, value)
        return True


class TimedFormatter(logging.Formatter):
    """Writes the time as ``logging`` does, and remembers it for a millisecond."""

    # Tuples, as a number and its text change together, whichever threads ask.
    _second = _millisecond = (0, "")

    def time_of(self, created: float) -> str:
        """Return a time as text.

        :param created: the time, by ``time.time()``.
        """
        millisecond = int(created * 1000)
        known, text = self._millisecond
        if millisecond != known:
            second, rest = divmod(millisecond, 1000)
            known, start = self._second
            if second != known:
                start = time.strftime(self.default_time_format, self.converter(second))
                self._second = second, start
            text = f"{start},{rest:03}"
            self._millisecond = millisecond, text
        return text

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return when something was logged."""
        return self.time_of(record.created)


class TextFormatter(TimedFormatter):
    """Writes these fields behind the message."""

    def line(self, created: float, level: str, name: str, text: str, fields: dict[str, Any]) -> str:
        """Return a line.

        :param created: the time, by ``time.time()``.
        :param level: the name of the level.
        :param name: the name of the logger.
        :param text: the message.
        :param fields: all fields, of which the line has the ones that say whose it is.
        """
        line = f"{self.time_of(created)} {level} {name} {text}"
        for key, value in fields.items():
            if value and key in _LABELS:
                # What a user is called must not look like another field, or another line.
                plain = value.isprintable() and " " not in value
                line += f" {_LABELS[key]}={value if plain else repr(value)}"
        return line

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line, without the traceback that may follow."""
        known = vars(record)
        return self.line(record.created, record.levelname, record.name, record.message, known)
