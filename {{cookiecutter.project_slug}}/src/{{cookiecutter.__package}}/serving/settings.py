# Owned by the template: an update may change this file.
"""The settings of what runs the service: names in the environment, types, defaults."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from flask.helpers import get_debug_flag
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ..flask_view.rooms.roster import GRACE_SECONDS
from .instance import SECRET_LENGTH, kept_secret
from .urls import without_password

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_HOST = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*")


class SettingsError(Exception):
    """The environment holds a value that the service cannot run with."""


def _split(value: Any) -> Any:
    """Split what the environment separates with commas."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _origin(value: str) -> str:
    """Check that an origin is written as browsers send it (RFC 6454, section 6.2)."""
    if value == "*":
        return value
    origin = _ORIGIN.fullmatch(value.rstrip("/").lower())
    if origin is None:
        raise ValueError("must be an origin such as https://example.com, or *")
    # Browsers leave the port of the scheme out.
    return origin[0].removesuffix({"http": ":80", "https": ":443"}.get(origin[1], ""))


def _host(value: str) -> str:
    """Check the name of a host, as Werkzeug compares it."""
    if not _HOST.fullmatch(value.lower()):
        raise ValueError("must be a name such as example.com, or .example.com for all below it")
    return value.lower()


Origins = Annotated[
    list[Annotated[str, AfterValidator(_origin)]], NoDecode, BeforeValidator(_split)
]
Hosts = Annotated[list[Annotated[str, AfterValidator(_host)]], NoDecode, BeforeValidator(_split)]
Secrets = Annotated[list[SecretStr], NoDecode, BeforeValidator(_split)]
Transports = Annotated[
    list[Literal["polling", "websocket"]], NoDecode, BeforeValidator(_split), Field(min_length=1)
]


class ServingSettings(BaseSettings):
    """The settings that all services have; ``Settings`` adds those of this one.

    They are read once, from the environment and, below it, from a file ``.env``.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        # Only the class that is used in the end is built.
        defer_build=True,
    )

    environment: Literal["development", "production"] = "development"
    """In production the service starts only with a ``SECRET_KEY`` of its own."""
    instance_path: Path = Path("instance")
    """Where the service keeps its own files."""
    secret_key: SecretStr = SecretStr("")
    """What signs sessions and tokens. In development, one is made and kept in the instance."""
    secret_key_fallbacks: Secrets = []
    """Former secrets: what they signed is still good, and nothing new is signed with them."""

    trusted_hosts: Hosts = []
    """The names of the service, as a request may name its host. Empty: any name."""
    cors_allowed_origins: Origins = []
    """Origins whose pages may do what the service's own may, over HTTP and over Socket.IO."""
    transports: Transports = ["polling", "websocket"]
    """How clients may connect."""
    docs: bool | None = None
    """Whether the page ``/docs`` is there; by default, in development only. In production, it is
    for those whom the function in ``app.config["DOCS_AUTHORIZE"]`` lets in."""
    quick_path: bool = True
    """Whether requests and events take the quick path. False: that of the libraries."""
    max_connections: int = Field(default=5_000, ge=1, le=1_000_000)
    """How many clients one process holds."""
    max_connections_per_address: int = Field(default=500, ge=1)
    """How many of them may have one address; not for this machine in development."""
    max_message_bytes: int = Field(default=1_000_000, ge=1_000)
    """The size of the largest message from a client, and of the largest request body."""
    max_polling_packets: int = Field(default=5_000, ge=16)
    """How many packets a polling client may send in one request; more than that end its session."""
    max_events_per_second: float = Field(default=100.0, gt=0)
    """How many events and requests one user, or one client without a name, may send, over ten
    seconds; events beyond that are slowed down, and requests refused."""
    address_events_factor: int = Field(default=10, ge=1)
    """How many times as many all clients of one address may send, of those without a name."""
    max_unsent_bytes: int = Field(default=5_000_000, ge=1_000)
    """How much may wait for a client that does not read, before it is dropped."""
    ping_interval: float = Field(default=25.0, gt=0)
    """Seconds between two pings to a client."""
    ping_timeout: float = Field(default=20.0, gt=0)
    """Seconds that a client has to answer a ping."""
    presence_grace_seconds: float = Field(default=GRACE_SECONDS, ge=0)
    """How long a client may be away without having left the rooms that it is present in."""
    ordered_events: bool = True
    """Whether the events of one client are handled one after the other, in the order sent.

    Without it they run side by side: they may overtake each other, one client may start any number
    of handlers at once, and in return a handler can ``call`` its own client and wait for the ack.
    """
    message_queue_url: str = ""
    """The Redis that joins several processes: ``redis://localhost:6379``. Empty: one process."""
    trusted_proxies: int = Field(default=0, ge=0)
    """How many proxies stand in front of the service and set the ``X-Forwarded`` headers."""

    drain_seconds: float = Field(default=10.0, ge=0)
    """How long a process that is told to stop may take to finish what it is doing, in seconds."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"

    @classmethod
    def load(cls) -> Self:
        """Return the settings of this process.

        :raises SettingsError: values are wrong; the message has every name and the rule.
        """
        try:
            settings = cls()
        except ValidationError as error:
            raise SettingsError(_explain(error)) from None
        return settings.model_copy(update={"secret_key": SecretStr(settings._usable_secret())})

    def _usable_secret(self) -> str:
        secret = self.secret_key.get_secret_value().strip()
        if self.environment == "production":
            if get_debug_flag():
                raise SettingsError(
                    "ENVIRONMENT=production does not go with FLASK_DEBUG or --debug, which tell "
                    "clients why the service failed. Take one of them away."
                )
            _check_length("SECRET_KEY", secret)
            for former in self.secret_key_fallbacks:
                _check_length("Each of SECRET_KEY_FALLBACKS", former.get_secret_value())
        try:
            return secret or kept_secret(self.instance_path)
        except ValueError as error:
            raise SettingsError(str(error)) from None
        except OSError as error:
            raise SettingsError(
                f"INSTANCE_PATH={str(self.instance_path)!r}: the secret of this machine cannot be "
                f"kept there ({error.strerror}). Name another folder, or set SECRET_KEY."
            ) from error


def _check_length(name: str, secret: str) -> None:
    if len(secret) < SECRET_LENGTH:
        raise SettingsError(
            f"{name} must have at least {SECRET_LENGTH} characters in production. "
            'Make one: python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )


def _explain(error: ValidationError) -> str:
    """Return a line for each wrong value: the setting's name, the value, the rule."""
    return "\n".join(
        "{}={!r}: {}".format(name.upper(), _shown(name, found["input"]), found["msg"])
        for found in error.errors(include_url=False)
        for name in [str(found["loc"][0])]
    )


def _shown(name: str, value: Any) -> Any:
    """Return a value as it may stand in a log."""
    if re.search("secret|password|token", name):
        return "***"
    return without_password(str(value)) if name.endswith("_url") else value
