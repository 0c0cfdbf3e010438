"""The settings of this service: names in the environment, types, defaults."""

from __future__ import annotations

from .serving.settings import ServingSettings


class Settings(ServingSettings):
    """What this service can be told, besides what all services can: see ``ServingSettings``.

    A field is read from the environment, or from a file ``.env``, under its name in upper case.
    """
