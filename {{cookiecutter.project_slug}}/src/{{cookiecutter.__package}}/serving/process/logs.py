# Owned by the template: an update may change this file.
"""Where the service writes its log: to the standard error output, as text or as JSON."""

from __future__ import annotations

import logging.config

from ...flask_view.handling import telemetry
from ..settings import ServingSettings


def configure_logging(settings: ServingSettings) -> None:
    """Send everything that the service logs to the standard error output.

    :param settings: the level, and the format: lines for people or JSON objects for machines.
    """
    fields = "%(asctime)s %(levelname)s %(name)s %(message)s"
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "filters": {"context": {"()": Context}},
            "formatters": {
                "text": {"()": TextFormatter, "fmt": fields},
                "json": {"()": "pythonjsonlogger.json.JsonFormatter", "format": fields},
            },
            "handlers": {
                "stderr": {
                    "class": "logging.StreamHandler",
                    "filters": ["context"],
                    "formatter": settings.log_format,
                }
            },
            "root": {"level": settings.log_level, "handlers": ["stderr"]},
            # Below this level these two write what clients send, a line for every packet.
            "loggers": {"engineio": {"level": "WARNING"}, "socketio": {"level": "WARNING"}},
        }
    )


class Context(logging.Filter):
    """Adds to each line which request or event it belongs to, and which user."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add this to a record, as fields."""
        for name, value in telemetry.context().items():
            vars(record).setdefault(name, value)
        return True


class TextFormatter(logging.Formatter):
    """Writes these fields behind the message."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Return the line, without the traceback that may follow."""
        line = super().formatMessage(record)
        for name, label in (("request_id", "request"), ("sid", "sid"), ("user", "user")):
            if value := vars(record).get(name):
                # What a user is called must not look like another field, or another line.
                plain = value.isprintable() and " " not in value
                line += f" {label}={value if plain else repr(value)}"
        return line
