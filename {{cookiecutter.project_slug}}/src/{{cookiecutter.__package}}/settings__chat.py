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
