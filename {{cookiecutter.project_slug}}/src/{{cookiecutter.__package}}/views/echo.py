"""The smallest view: what a client says comes back, by every way there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ..flask_view import FlaskView, on, route

Message = Annotated[str, Field(max_length=200)]
Times = Annotated[int, Field(ge=1, le=100)]


@dataclass
class Said:
    """What everyone hears."""

    message: str


class EchoView(FlaskView):
    """Answers at /echo over HTTP, and in the namespace /echo over Socket.IO."""

    sends = {"said": Said}

    def index(self) -> dict[str, str]:
        """GET /echo: say hello."""
        return {"message": "hello"}

    @route("say/<message>", methods=["POST"])
    @on("say")
    def say(self, message: Message) -> Said:
        """POST /echo/say/<message>, and the event "say": tell everyone, and the sender again."""
        said = Said(message)
        self.broadcast("said", said)
        return said

    def socket_repeat(self, message: Message, times: Times = 2) -> str:
        """Answer the event "repeat": the message, several times over."""
        return " ".join([message] * times)
