# Owned by the template: an update may change this file.
"""The lines of the log as JSON objects."""

from __future__ import annotations

import json
from typing import Any

from pythonjsonlogger.core import LogData
from pythonjsonlogger.json import JsonEncoder
from pythonjsonlogger.msgspec import MsgspecFormatter

from .logs import TimedFormatter


class JsonFormatter(TimedFormatter, MsgspecFormatter):
    """Writes all fields, as an object in ASCII."""

    def __init__(self) -> None:
        """Begin each object with the members that every line has."""
        super().__init__(["asctime", "levelname", "name", "message"])

    def line(self, created: float, level: str, name: str, text: str, fields: dict[str, Any]) -> str:
        """Return a line.

        :param created: the time, by ``time.time()``.
        :param level: the name of the level.
        :param name: the name of the logger.
        :param text: the message.
        :param fields: further members of the object.
        """
        first = {
            "asctime": self.time_of(created),
            "levelname": level,
            "name": name,
            "message": text,
        }
        return self.jsonify_log_record(first | fields)

    def jsonify_log_record(self, log_data: LogData) -> str:
        """Return the object; the quick library neither escapes characters nor takes them all."""
        try:
            text = super().jsonify_log_record(log_data)
        except UnicodeEncodeError:
            is_whole = False
        else:
            is_whole = text.isascii()
        return text if is_whole else json.dumps(log_data, cls=JsonEncoder, separators=(",", ":"))
