# Owned by the template: an update may change this file.
"""Which events a test means: those of a name whose payloads have some members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from {{ cookiecutter.__package }}.flask_view.handling import (
    serialization,
)


def has(payload: Any, members: Mapping[str, Any]) -> bool:
    """Tell whether a payload is an object with these members; without any, it may be anything.

    :param payload: what an event carries.
    :param members: the values by their names, as a view may have them: a UUID is its text.
    """
    if not members:
        return True
    return isinstance(payload, dict) and serialization.plain(members).items() <= payload.items()


def named(event: str, members: Mapping[str, Any]) -> str:
    """Return what a test means, for a message."""
    found = ", ".join(f"{name}={value!r}" for name, value in members.items())
    return f"{event!r} with {found}" if found else repr(event)


def unpacked(arguments: tuple[Any, ...]) -> Any:
    """Return what an event carries: one argument, several as a tuple, or ``None`` for none.

    :param arguments: its arguments, which are in JSON's types then.
    """
    ready = tuple(map(serialization.plain, arguments))
    return ready[0] if len(ready) == 1 else ready or None
