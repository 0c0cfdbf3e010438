# Owned by the template: an update may change this file.
"""Where the service writes its log: to the standard error output, as text or as JSON."""

from __future__ import annotations

import logging.config

from .settings import Settings


def configure_logging(settings: Settings) -> None:
    """Send everything that the service logs to the standard error output.

    :param settings: the level, and the format: lines for people or JSON objects for machines.
    """
    fields = "%(asctime)s %(levelname)s %(name)s %(message)s"
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "text": {"format": fields},
                "json": {"()": "pythonjsonlogger.json.JsonFormatter", "format": fields},
            },
            "handlers": {
                "stderr": {"class": "logging.StreamHandler", "formatter": settings.log_format}
            },
            "root": {"level": settings.log_level, "handlers": ["stderr"]},
            # Below this level these two write what clients send, a line for every packet.
            "loggers": {"engineio": {"level": "WARNING"}, "socketio": {"level": "WARNING"}},
        }
    )
