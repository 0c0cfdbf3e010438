"""The smallest view: what a client says comes back, by every way there is."""

from __future__ import annotations

from ..flask_view import FlaskView, on, route


class EchoView(FlaskView):
    """Answers at /echo over HTTP, and in the namespace /echo over Socket.IO."""

    def index(self) -> dict[str, str]:
        """GET /echo: say hello."""
        return {"message": "hello"}

    @route("say/<message>", methods=["POST"])
    @on("say")
    def say(self, message: str) -> dict[str, str]:
        """POST /echo/say/<message>, and the event "say": tell everyone, and the sender again."""
        said = {"message": message}
        self.broadcast("said", said)
        return said

    def socket_repeat(self, message: str, times: int = 2) -> str:
        """Answer the event "repeat": the message, several times over."""
        return " ".join([message] * times)
