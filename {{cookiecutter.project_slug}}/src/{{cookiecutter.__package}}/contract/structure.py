# Owned by the template: an update may change this file.
"""The contract as one structure, of which the documents and the page are made.

Schemas are JSON Schema 2020-12, as pydantic writes it, with references into ``Contract.schemas``.
An empty one is that of anything.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..flask_view.handling.limiting import Limit

Schema = dict[str, Any]
REFERENCE = "#/components/schemas/{model}"
"""A reference to a schema, by its name."""


@dataclass(frozen=True)
class Parameter:
    """A parameter of a method that a client fills."""

    name: str
    required: bool
    schema: Schema


@dataclass(frozen=True)
class Route:
    """A way to call a method by a request."""

    method: str
    """The method of HTTP."""
    path: str
    """The path, with variables as in ``/rooms/{room}``."""
    places: dict[str, str]
    """Where each parameter is, by its name: in the ``path``, the ``query`` or the ``body``."""


@dataclass(frozen=True)
class Result:
    """What a request gets."""

    statuses: list[str]
    """The statuses, as ``"201"``; ``"2XX"`` where the method does not say which."""
    media: str
    """The media type of the body; ``*/*`` where the method does not say."""
    schema: Schema


@dataclass(frozen=True)
class Error:
    """What can go wrong, as a docstring says it."""

    status: int
    detail: str


@dataclass(frozen=True)
class Method:
    """A method of a view: the routes and the events that it answers."""

    name: str
    doc: str
    source: str
    routes: list[Route]
    events: list[str]
    parameters: list[Parameter]
    """In the order of the arguments of an event."""
    rest: bool
    """Whether an event may have any number of further arguments."""
    result: Result | None
    """What a request gets; ``None`` where no request can ask."""
    ack: Schema | None
    """The arguments of the ack, as one array; ``None`` where the method does not say."""
    errors: list[Error]
    limits: list[Limit]

    @property
    def words(self) -> dict[str, str]:
        """The docstring as both documents have it: the first paragraph, and the others."""
        summary, _, description = self.doc.partition("\n\n")
        return {"summary": " ".join(summary.split()), "description": description}


def limits_of(limits: list[Limit]) -> dict[str, Any]:
    """Return limits as both documents have them; nothing if there are none."""
    return {"x-limits": [asdict(each) for each in limits]} if limits else {}


@dataclass(frozen=True)
class View:
    """A view: a resource."""

    name: str
    doc: str
    source: str
    path: str
    namespace: str | None
    """The namespace, if the view has anything to do with Socket.IO."""
    auth: Schema | None
    """What a client sends along to connect; ``None`` where the view does not say."""
    limits: list[Limit]
    """How often it may connect."""
    methods: list[Method]
    """In the order in which the class has them."""
    sends: dict[str, Schema] | None
    """What the view sends by itself: the arguments of each event, as one array; ``None`` where it
    does not say."""


@dataclass(frozen=True)
class Contract:
    """What a service promises."""

    title: str
    version: str
    description: str
    views: list[View]
    problem: Schema
    """The problem object with which a request or an event fails."""
    schemas: dict[str, Schema]
    """The schemas that others refer to, by their names."""

    @property
    def info(self) -> dict[str, str]:
        """What both documents begin with."""
        return {"title": self.title, "version": self.version, "description": self.description}
