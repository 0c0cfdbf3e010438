# Owned by the template: an update may change this file.
"""Sending: what a view sends by itself is what its ``sends`` says."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import NoneType
from typing import Any, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from .serialization import dumps
from .signature import RegistrationError

logger = logging.getLogger(__name__)


class PromiseError(Exception):
    """A view sends something else than its ``sends`` says."""


class Promises:
    """What one view sends by itself: the events, and the types of their arguments."""

    is_strict = True
    """Whether a broken promise is an error. In production, it is logged, and the event is sent."""

    def __init__(self, view: str, sends: Mapping[str, Any]) -> None:
        """Read the declaration.

        :param view: the name of the view, for messages.
        :param sends: its ``sends``: the types, by the names of the events.
        :raises RegistrationError: one of them is no type that pydantic can validate.
        """
        self.view = view
        self.arguments = {event: arguments_of(kind) for event, kind in sends.items()}
        """The types of the arguments, as one tuple type for each event."""
        self._adapters: dict[str, TypeAdapter[Any]] = {}
        for event, kind in self.arguments.items():
            try:
                adapter = self._adapters[event] = TypeAdapter(kind)
                adapter.rebuild(raise_errors=True)
            except Exception as error:
                raise RegistrationError(
                    f"{view}.sends[{event!r}] is no type of a payload: {error}"
                ) from error

    def check(self, event: str, arguments: tuple[Any, ...], payload: tuple[Any, ...]) -> None:
        """Check what is about to be sent, as it will arrive.

        :param event: the name of the event.
        :param arguments: what it carries, as the view has it.
        :param payload: the same in JSON's types.
        :raises PromiseError: ``sends`` says something else, and ``is_strict``.
        """
        if objection := self.objection(event, arguments, payload):
            broken = f"{self.view} sends {event!r}, but {objection}"
            if self.is_strict:
                raise PromiseError(broken)
            logger.error("%s", broken)

    def objection(self, event: str, arguments: tuple[Any, ...], payload: tuple[Any, ...]) -> str:
        """Return what is wrong with an event, or nothing.

        :param event: the name of the event.
        :param arguments: what it carries, as the view has it, or as a client has it.
        :param payload: the same in JSON's types.
        """
        adapter = self._adapters.get(event)
        if adapter is None:
            declared = ", ".join(map(repr, self._adapters)) or "nothing"
            return f"its `sends` declares {declared}."
        try:
            # A model has been validated, and may write itself in a way that it would not read.
            if any(isinstance(argument, BaseModel) for argument in arguments):
                adapter.validate_python(arguments, strict=True)
            else:
                validate(adapter, payload)
        except ValidationError as error:
            return f"not as its `sends` says. {explain(error)}"
        return ""


def arguments_of(kind: Any) -> Any:
    """Return the type of an event's arguments, all of them: a tuple.

    :param kind: the type of its payload. A tuple is several arguments, and ``None`` none.
    """
    if kind is None or kind is NoneType:
        return tuple[()]
    return kind if kind is tuple or get_origin(kind) is tuple else tuple[kind]


def validate(adapter: TypeAdapter[Any], payload: Any) -> None:
    """Check a value as it is in JSON: a text is no number, but may be a date.

    :raises ValidationError: it is of another type.
    """
    adapter.validate_json(dumps(payload), strict=True, by_alias=True, by_name=True)


def explain(error: ValidationError) -> str:
    """Return what is wrong with the arguments of an event, in a line for each error."""
    return "\n".join(
        f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
        for found in error.errors(include_url=False, include_context=False, include_input=False)
    )
