"""The settings of this service: names in the environment, types, defaults."""

from __future__ import annotations

from pydantic import Field

from .serving.database.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """What this service can be told, besides what all services can: see ``ServingSettings``.

    A field is read from the environment, or from a file ``.env``, under its name in upper case.
    """

    session_seconds: int = Field(default=30 * 24 * 3600, ge=1)
    """How long somebody stays signed in."""
    socketio_script_url: str = "https://cdn.socket.io/4.8.3/socket.io.min.js"
    """Where the page gets the Socket.IO client from."""
    socketio_script_integrity: str = (
        "sha384-kzavj5fiMwLKzzD1f8S7TeoVIEi7uKHvbTA3ueZkrzYq75pNQUiUi6Dy98Q3fxb0"
    )
    """The hash that this script must have."""
