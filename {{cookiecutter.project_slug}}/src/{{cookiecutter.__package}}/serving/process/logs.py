# Owned by the template: an update may change this file.
"""Where the service writes its log: to the standard error output, as text or as JSON."""

from __future__ import annotations

import json
import logging.config
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pythonjsonlogger.core import LogData
from pythonjsonlogger.json import JsonEncoder
from pythonjsonlogger.msgspec import MsgspecFormatter

from ...flask_view.handling import telemetry
from ..async_mode import native
from ..settings import ServingSettings
from .log_writer import LogWriter


def configure_logging(settings: ServingSettings) -> None:
    """Send everything that the service logs to the standard error output.

    :param settings: the level, and the format: lines for people or JSON objects for machines.
    """
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"context": {"()": Context}},
            "formatters": {
                "text": {"()": TextFormatter},
                "json": {"()": JsonFormatter, "fmt": ["asctime", "levelname", "name", "message"]},
            },
            "handlers": {
                "stderr": {
                    "()": StderrHandler,
                    "filters": ["context"],
                    "formatter": settings.log_format,
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
        self.setStream(LogWriter(self.stream, self._tell_lost))

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


class _Formatter(logging.Formatter):
    """Writes the time as ``logging`` does, and remembers the current second."""

    _second = (0, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return when something was logged."""
        second = int(record.created)
        known, text = self._second
        if second != known:
            text = time.strftime(self.default_time_format, self.converter(second))
            self._second = second, text
        return f"{text},{int(record.msecs):03}"


class TextFormatter(_Formatter):
    """Writes these fields behind the message."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line, without the traceback that may follow."""
        line = f"{self.formatTime(record)} {record.levelname} {record.name} {record.message}"
        fields = vars(record)
        for name, label in (("request_id", "request"), ("sid", "sid"), ("user", "user")):
            if value := fields.get(name):
                # What a user is called must not look like another field, or another line.
                plain = value.isprintable() and " " not in value
                line += f" {label}={value if plain else repr(value)}"
        return line


class JsonFormatter(_Formatter, MsgspecFormatter):
    """Writes all fields, as an object in ASCII."""

    def add_fields(
        self, log_data: LogData, record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Collect the fields of a record; the library would compare each with a list."""
        if isinstance(record, telemetry.Line):
            log_data["asctime"] = record.asctime
            log_data["levelname"] = record.levelname
            log_data["name"] = record.name
            log_data["message"] = record.message
            log_data.update(message_dict)
            log_data.update(record.fields)
        else:
            super().add_fields(log_data, record, message_dict)

    def jsonify_log_record(self, log_data: LogData) -> str:
        """Return the object; the quick library neither escapes characters nor takes them all."""
        with suppress(UnicodeEncodeError):
            text = super().jsonify_log_record(log_data)
            if text.isascii():
                return text
        return json.dumps(log_data, cls=JsonEncoder, separators=(",", ":"))
