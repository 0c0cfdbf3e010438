# Owned by the template: an update may change this file.
"""The signature of a method: its parameters, their types, and their converters in a URL rule."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from ..library import DecoratorCompatibilityError

CONVERTERS: dict[Any, str] = {str: "string", int: "int", float: "float", UUID: "uuid"}
"""The converters of URL variables, by the annotation of the parameter."""

_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_UNIONS = (Union, types.UnionType)
_COLLECTIONS = (list, set, frozenset, tuple)


class RegistrationError(DecoratorCompatibilityError):
    """A view cannot be registered as it is written."""


def signature_of(name: str, function: Callable[..., Any]) -> Signature:
    """Return the signature of a method without ``self``, with types for annotations.

    :param name: the method's full name, for messages: ``RoomsView.get``.
    :param function: the function as the class holds it, decorators and all.
    :raises RegistrationError: a decorator hides it, or a type does not exist at run time.
    """
    inner, parameters = _unwrap(name, function)
    hints = _hints(name, inner)
    returned = hints.pop("return", Signature.empty)
    typed = [p.replace(annotation=hints.get(p.name, Parameter.empty)) for p in parameters]
    return Signature(typed, return_annotation=returned)


def variable(parameter: Parameter, converters: Mapping[Any, str]) -> str:
    """Return the variable of a URL rule for a parameter: ``<int:number>``."""
    converter = _converter(parameter.annotation, converters)
    return f"<{converter}:{parameter.name}>" if converter else f"<{parameter.name}>"


def _converter(annotation: Any, converters: Mapping[Any, str]) -> str | None:
    kind = _bare(annotation)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _one_of([member.value for member in kind])
    if get_origin(kind) is Literal:
        return _one_of(list(get_args(kind)))
    if isinstance(kind, type) and issubclass(kind, PurePath):
        return "path"
    try:
        return converters.get(kind)
    except TypeError:
        return None


def _one_of(values: list[Any]) -> str | None:
    """Return a converter that accepts the values, if a rule can spell them."""
    if values and all(re.fullmatch(r"[\w-]+", str(value)) for value in values):
        return "any({})".format(", ".join(f"'{value}'" for value in values))
    return None


def _bare(annotation: Any) -> Any:
    """Return an annotation without ``Annotated`` and ``| None``."""
    while True:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            annotation = arguments[0]
        elif origin in _UNIONS and len(rest := [a for a in arguments if a is not type(None)]) == 1:
            annotation = rest[0]
        else:
            return annotation


def is_model(annotation: Any) -> bool:
    """Tell whether an annotation is for the JSON body: a model, or a collection of models."""
    kind = _bare(annotation)
    origin = get_origin(kind) or kind
    if origin in _UNIONS or origin in _COLLECTIONS:
        return any(is_model(argument) for argument in get_args(kind))
    if typing.is_typeddict(origin):
        return True
    if not isinstance(origin, type):
        return False
    return issubclass(origin, BaseModel | Mapping) or dataclasses.is_dataclass(origin)


def is_collection(annotation: Any) -> bool:
    """Tell whether an annotation takes all values of a name in the query string."""
    kind = _bare(annotation)
    return (get_origin(kind) or kind) in _COLLECTIONS


def _unwrap(name: str, function: Callable[..., Any]) -> tuple[Callable[..., Any], list[Parameter]]:
    """Return the function behind its decorators, and its parameters without ``self``.

    Decorators with ``functools.wraps`` refer to it. Without that, the only function in the closure
    of the decorator is taken for it, as in Flask-Classful.
    """
    inner: Any = function
    while True:
        inner = inspect.unwrap(inner)
        parameters = list(inspect.signature(inner).parameters.values())
        if parameters and parameters[0].kind in _POSITIONAL:
            return inner, parameters[1:]
        held = [cell.cell_contents for cell in inner.__closure__ or () if cell.cell_contents]
        candidates = [item for item in held if inspect.isfunction(item) and item is not inner]
        if len(candidates) != 1:
            raise RegistrationError(
                f"{name}: the arguments cannot be seen. A method takes self first; a decorator "
                f"around it ({inner.__qualname__}) must use functools.wraps."
            )
        inner = candidates[0]


def _hints(name: str, function: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations of a function, with names that stand in quotes resolved."""
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise RegistrationError(
            f"{name}: the annotation names {error.name!r}, which its module does not have at run "
            "time (an import under TYPE_CHECKING is seen by type checkers only)."
        ) from error
