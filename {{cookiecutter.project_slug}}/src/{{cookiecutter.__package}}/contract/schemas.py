# Owned by the template: an update may change this file.
"""The schemas of all types of a contract, made by one call of pydantic.

So a type that is used in several places is described once, and two types of one name are told
apart in the same way everywhere.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Literal, NotRequired

from pydantic import ConfigDict, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from typing_extensions import TypedDict

from .structure import REFERENCE, Schema

Mode = Literal["validation", "serialization"]
INCOMING: Mode = "validation"
OUTGOING: Mode = "serialization"


class InvalidValue(TypedDict):
    """A value that was refused."""

    __pydantic_config__ = ConfigDict(extra="ignore")  # type: ignore[misc]

    path: list[str | int]
    detail: str
    code: str


class Problem(TypedDict):
    """Why something failed (RFC 9457); views may add members of their own."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[list[InvalidValue]]
    id: NotRequired[str]
    retry_after: NotRequired[int]


class Schemas:
    """The schemas that a contract needs."""

    def __init__(self) -> None:
        """Start without types."""
        self._numbers: dict[Any, int] = {}
        self._kinds: list[tuple[Any, Mode, TypeAdapter[Any] | None]] = []
        self._wanted: list[tuple[int, Schema, Schema]] = []

    def of(self, kind: Any, mode: Mode, **more: Any) -> Schema:
        """Return the schema of a type, which is empty until ``make`` is called.

        :param kind: the type. If pydantic knows nothing of it, the schema stays empty.
        :param mode: whether values come in or go out.
        :param more: further members of the schema.
        """
        try:
            number = self._numbers.setdefault((kind, mode), len(self._kinds))
        except TypeError:
            # What it is annotated with has no hash.
            number = self._numbers.setdefault((id(kind), mode), len(self._kinds))
        if number == len(self._kinds):
            self._kinds.append((kind, mode, _adapter(kind)))
        schema: Schema = {}
        self._wanted.append((number, schema, more))
        return schema

    def make(self) -> dict[str, Schema]:
        """Fill in all schemas, and return those that they refer to, by their names."""
        made, shared = TypeAdapter.json_schemas(
            [
                (number, mode, adapter)
                for number, (_, mode, adapter) in enumerate(self._kinds)
                if adapter
            ],
            ref_template=REFERENCE,
            schema_generator=_Generator,
        )
        for number, schema, more in self._wanted:
            schema.update(made.get((number, self._kinds[number][1]), {}), **more)
        definitions: dict[str, Schema] = shared.get("$defs", {})
        return definitions


def _adapter(kind: Any) -> TypeAdapter[Any] | None:
    """Return what makes the schema of a type, if pydantic knows it."""
    # Some types must not be given a configuration, and others need one.
    for config in (None, ConfigDict(arbitrary_types_allowed=True)):
        with suppress(Exception):
            adapter = TypeAdapter(kind, config=config)
            adapter.rebuild(raise_errors=True)
            return adapter
    return None


class _Generator(GenerateJsonSchema):
    """Pydantic's own schemas, without what a reader can do without."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}

    def normalize_name(self, name: str) -> str:
        """Call ``PresenceState[Here]`` PresenceStateOfHere, which any language can."""
        return super().normalize_name(name.replace("[", "Of").replace(", ", "And").replace("]", ""))

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        """Say nothing about what JSON has no words for."""
        return {}

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave out titles that only repeat the name of a field."""
        return False
