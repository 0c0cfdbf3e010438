# Owned by the template: an update may change this file.
"""The settings of a service with a database."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from ..settings import ServingSettings


def _checked(url: str) -> str:
    """Check that a URL names a database that the service can use; empty is the embedded one."""
    if url:
        address_of(url)
    return url


def address_of(url: str) -> URL:
    """Return the address of a database, with the driver that the service brings."""
    rule = "must be a URL such as postgresql://user:password@host/name"
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # What the library says may hold a part of the password.
        raise ValueError(rule) from None
    if "@" in (address.host or ""):
        raise ValueError(f"{rule}, with %40 for an @ in the password, and the like")
    if address.drivername in ("postgres", "postgresql"):
        # The driver that waits cooperatively in every mode.
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername not in ("postgresql+psycopg", "sqlite"):
        raise ValueError("must begin with postgresql:// or sqlite://")
    return address


DatabaseURL = Annotated[str, AfterValidator(_checked)]
"""The type of the setting: ``postgresql://user:password@host/name``."""


class DatabaseSettings(ServingSettings):
    """The settings of what runs the service, and of its database."""

    database_url: DatabaseURL = ""
    """The database: ``postgresql://user:password@host/name``. Empty: a file in the instance."""
    database_pool_size: int = Field(default=10, ge=1)
    """How many connections to the database one process keeps."""
    database_pool_timeout: float = Field(default=5.0, gt=0)
    """Seconds that a request or an event waits for one of them."""
