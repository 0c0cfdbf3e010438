"""The work that all peers do, as a view of a generated service."""

from __future__ import annotations

from typing import Any

from flask import request
from pydantic import BaseModel

from ..flask_view import FlaskView, route


class Reading(BaseModel):
    """What a sensor says."""

    sensor: str
    celsius: float
    count: int


class BenchView(FlaskView):
    """Answers at /bench over HTTP, and in the namespace /bench over Socket.IO."""

    def index(self) -> dict[str, str]:
        """GET /bench: say hello."""
        return {"message": "hello"}

    @route("plain", methods=["POST"])
    def post_plain(self) -> Any:
        """POST /bench/plain: return the body."""
        return request.get_json()

    @route("model", methods=["POST"])
    def post_model(self, reading: Reading) -> Reading:
        """POST /bench/model: return the body, which is checked."""
        return reading

    def socket_echo(self, payload: Any) -> Any:
        """Answer the event "echo": what was sent."""
        return payload

    def socket_model(self, reading: Reading) -> Reading:
        """Answer the event "model": what was sent, which is checked."""
        return reading

    def socket_join(self) -> None:
        """Answer the event "join": put the client into the room."""
        self.join("all")

    def socket_tell(self, payload: Any) -> None:
        """Answer the event "tell": tell everybody in the room."""
        self.emit("told", payload, to="all")
