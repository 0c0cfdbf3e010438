# Owned by the template: an update may change this file.
"""What a method gives, by the annotation of its result: the response and the ack."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import Signature
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, NoReturn, Union, get_args, get_origin

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response

from .schemas import OUTGOING, Schemas
from .structure import Result, Schema

_UNKNOWN = (Signature.empty, Any, NoReturn)
_ANY_STATUS = "2XX"
_ANY_MEDIA = "*/*"
_HEADERS = (dict, list, tuple, Headers)
_TEXT = (str, bytes, bytearray)


class _Answer(NamedTuple):
    """One of the forms in which a method may answer a request."""

    body: Any
    statuses: list[str]
    has_headers: bool


def result_of(returns: Any, schemas: Schemas, *, anything: bool) -> Result:
    """Return what a request gets.

    :param returns: the annotation of the method's result.
    :param schemas: where the schema of the body is taken from.
    :param anything: whether the view represents results in ways of its own.
    """
    answers = list(_answers(returns))
    statuses = list(dict.fromkeys(status for answer in answers for status in answer.statuses))
    bodies = [answer.body for answer in answers if answer.body is not NoneType]
    if not bodies:
        return Result(statuses, "", {})
    if anything or any(answer.has_headers for answer in answers):
        media = _ANY_MEDIA
    else:
        (media, *others) = {_media(body) for body in bodies}
        media = _ANY_MEDIA if others else media
    return Result(
        statuses, media, {} if media == _ANY_MEDIA else schemas.of(_union(bodies), OUTGOING)
    )


def ack_of(returns: Any, schemas: Schemas, *, has_url: bool) -> Schema | None:
    """Return the schema of an ack's arguments, or ``None`` where the method does not say.

    :param returns: the annotation of the method's result.
    :param schemas: where the schema is taken from.
    :param has_url: whether the method answers requests, too: a tuple is a body with its status.
    """
    bodies = [answer.body for answer in _answers(returns)] if has_url else list(_options(returns))
    if any(body in _UNKNOWN or _is_response(body) for body in bodies):
        return None
    acks: list[Any] = []
    values = []
    for body in bodies:
        if body is NoneType:
            acks.append(tuple[()])
        elif not has_url and get_origin(body) is tuple:
            acks.append(body)
        else:
            values.append(body)
    if values:
        acks.insert(0, tuple[_union(values)])  # type: ignore[misc]
    return schemas.of(_union(acks), OUTGOING)


def _union(kinds: list[Any]) -> Any:
    return Union[tuple(kinds)]  # noqa: UP007


def _options(annotation: Any) -> Iterator[Any]:
    """Yield the types that an annotation is a union of."""
    if get_origin(annotation) in (Union, UnionType):
        for option in get_args(annotation):
            yield from _options(option)
    else:
        yield NoneType if annotation is None else annotation


def _answers(returns: Any) -> Iterator[_Answer]:
    """Yield the forms of a result that ``response_of`` tells apart."""
    for option in _options(returns):
        if option in _UNKNOWN or _is_response(option):
            yield _Answer(option, [_ANY_STATUS], has_headers=True)
            continue
        parts = get_args(option) if get_origin(option) is tuple else ()
        if len(parts) not in (2, 3) or ... in parts:
            yield _Answer(option, ["204" if option is NoneType else "200"], has_headers=False)
            continue
        body, second, *third = parts
        has_headers = bool(third) or _bare(second) in _HEADERS
        statuses = ["200"] if has_headers and not third else _statuses(second)
        for one in _options(body):
            yield _Answer(one, statuses, has_headers)


def _statuses(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(int(status)) for status in get_args(annotation)]
    return [_ANY_STATUS]


def _media(body: Any) -> str:
    """Return the media type that Flask gives to a body."""
    kind = _bare(body)
    is_text = isinstance(kind, type) and issubclass(kind, _TEXT)
    if isinstance(kind, type) and issubclass(kind, Iterator):
        return _ANY_MEDIA
    return "text/html" if is_text else "application/json"


def _is_response(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Response)


def _bare(annotation: Any) -> Any:
    """Return an annotation without ``Annotated`` and without what its brackets hold."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    return get_origin(annotation) or annotation
