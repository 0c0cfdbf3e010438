# Owned by the template: an update may change this file.
"""One JSON for both transports.

Values become JSON's own types by the same rules in a response, an ack and an emit: models,
dataclasses and anything else that pydantic can serialise become objects, dates and times ISO 8601
(one without an offset is taken for UTC), UUIDs and decimals strings, enums their value, sets
lists. NaN and the infinities, which JSON does not know (RFC 8259, section 6), become null. Bytes
travel as they are in an event and as base64 in a response.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
from collections.abc import Mapping
from typing import Any

import msgspec
from flask.json.provider import JSONProvider
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

_READY = frozenset({str, int, float, bool, type(None), bytes})
# Deeper than any sensible payload, and well below the depth at which Python itself gives up.
_MAX_DEPTH = 100


def plain(value: Any, depth: int = 0) -> Any:
    """Return a value in JSON's own types, and bytes.

    :param value: what a method returned, or what is to be emitted.
    :param depth: how many containers stand around it.
    :raises TypeError: nothing knows how to serialise it.
    :raises ValueError: it is nested too deeply, or contains itself.
    """
    kind = type(value)
    if kind in _READY:
        return value
    if depth > _MAX_DEPTH:
        raise ValueError(f"A value nested deeper than {_MAX_DEPTH} levels cannot be serialised")
    depth += 1
    if kind is dict:
        return {_key(key): plain(item, depth) for key, item in value.items()}
    if kind is list or isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth) for item in value]
    if isinstance(value, BaseModel):
        return plain(value.model_dump(by_alias=True), depth)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain(getattr(value, field.name), depth) for field in fields}
    if isinstance(value, enum.Enum):
        return plain(value.value, depth)
    if isinstance(value, datetime.datetime) and value.tzinfo is None:
        value = value.replace(tzinfo=datetime.UTC)
    if isinstance(value, Mapping):
        return {_key(key): plain(item, depth) for key, item in value.items()}
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    return to_jsonable_python(value)


def _key(key: Any) -> str:
    """Return the key of an object, which is a string in JSON."""
    if type(key) is str:
        return key
    ready = plain(key)
    if isinstance(ready, str):
        return ready
    if isinstance(ready, bool | int | float | None):
        return dumps(ready)
    raise TypeError(f"A key of type {type(key).__name__} cannot be serialised")


def dumps(value: Any, **_: Any) -> str:
    """Return a plain value as JSON text.

    :raises TypeError: the value is not plain.
    """
    return msgspec.json.encode(value).decode()


def loads(text: str | bytes, **_: Any) -> Any:
    """Return the value of a JSON text; whole numbers of any size stay exact.

    :raises ValueError: the text is no JSON, or nested more deeply than any answer would be.
    """
    try:
        value = msgspec.json.decode(text)
    except RecursionError:
        raise _too_deep() from None
    if _may_be_deep(text) and _is_deep(value):
        raise _too_deep()
    return value


def _may_be_deep(text: str | bytes) -> bool:
    """Tell whether a text has as many brackets as a value takes that is nested too deeply."""
    if isinstance(text, str):
        return text.count("[") + text.count("{") > _MAX_DEPTH
    return text.count(b"[") + text.count(b"{") > _MAX_DEPTH


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        containers = [item for item in level if isinstance(item, list | dict)]
        if not containers:
            return False
        level = [
            part
            for item in containers
            for part in (item.values() if isinstance(item, dict) else item)
        ]
    return any(isinstance(item, list | dict) for item in level)


def _too_deep() -> ValueError:
    return ValueError(f"A value nested deeper than {_MAX_DEPTH} levels is not accepted")


class FlaskJSON(JSONProvider):
    """The same JSON for ``flask.jsonify``, ``request.get_json`` and returned dictionaries."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """Return any value as JSON text."""
        return dumps(plain(obj))

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return the value of a JSON text."""
        return loads(s)
