"""From what a client sent to the arguments of a method, by the method's own signature.

Everything that can be known from the signature is worked out once, when the view is registered.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin
from uuid import UUID

from flask import request
from pydantic import BaseModel, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from .errors import Problem
from .library import DecoratorCompatibilityError

CONVERTERS: dict[Any, str] = {str: "string", int: "int", float: "float", UUID: "uuid"}
"""The converters of URL variables, by the annotation of the parameter."""

_Parameter = inspect.Parameter
_POSITIONAL = (_Parameter.POSITIONAL_ONLY, _Parameter.POSITIONAL_OR_KEYWORD)
_VARIABLE = (_Parameter.VAR_POSITIONAL, _Parameter.VAR_KEYWORD)
_UNIONS = (Union, types.UnionType)
_COLLECTIONS = (list, set, frozenset, tuple)


class RegistrationError(DecoratorCompatibilityError):
    """A view cannot be registered as it is written."""


class Binding:
    """The arguments of one method, out of a request or out of an event."""

    def __init__(self, name: str, function: Callable[..., Any], given: frozenset[str]) -> None:
        """Read the signature.

        :param name: the method's full name, for messages: ``RoomsView.get``.
        :param function: the function as the class holds it, decorators and all.
        :param given: names that a decorator fills (``base_args``), never a client.
        :raises RegistrationError: the signature is hidden, or cannot be served.
        """
        self.name = name
        inner, parameters = _unwrap(name, function)
        hints = _hints(name, inner)
        self.parameters = [
            parameter.replace(annotation=hints.get(parameter.name, Any))
            for parameter in parameters
            if parameter.name not in given and not parameter.name.startswith("_")
        ]
        named = [p for p in self.parameters if p.kind not in _VARIABLE]
        self._named = {p.name: p for p in named}
        self._any_number = any(p.kind is _Parameter.VAR_POSITIONAL for p in self.parameters)
        self._by_name = any(p.kind is _Parameter.KEYWORD_ONLY for p in named)
        self._least = sum(p.default is _Parameter.empty for p in named)
        if any(p.kind is _Parameter.POSITIONAL_ONLY for p in named):
            raise RegistrationError(f"{name}: a request fills parameters by name; remove the '/'")
        self.bodies = [p.name for p in named if _is_model(p.annotation)]
        self._query = {
            p.name: _is_collection(p.annotation) for p in named if p.name not in self.bodies
        }
        self._validator = _validator(name, named) if hints.keys() & self._named.keys() else None

    @property
    def url_variables(self) -> list[_Parameter]:
        """The parameters that stand in the path of a method without ``@route``."""
        return [
            p
            for p in self._named.values()
            if p.default is _Parameter.empty
            and p.kind is not _Parameter.KEYWORD_ONLY
            and p.name not in self.bodies
        ]

    @property
    def takes_arguments(self) -> bool:
        """Whether the method has any parameter that a client fills."""
        return bool(self._named)

    def check_body(self) -> None:
        """Refuse a method that a request cannot fill.

        :raises RegistrationError: more than one parameter wants the body.
        """
        if len(self.bodies) > 1:
            wanted = ", ".join(self.bodies)
            raise RegistrationError(f"{self.name}: a request has one body, for one of {wanted}")

    def check_event(self) -> None:
        """Refuse a method that an event cannot fill.

        :raises RegistrationError: parameters by name only stand behind any number of others.
        """
        if self._any_number and self._by_name:
            raise RegistrationError(f"{self.name}: an event cannot fill what stands behind *args")

    def convert_path(self, rule: str, converters: Mapping[Any, str]) -> str:
        """Return a rule in which the variables have the converters that the annotations ask for."""

        def convert(match: re.Match[str]) -> str:
            parameter = self._named.get(match[1])
            return variable(parameter, converters) if parameter else match[0]

        return re.sub(r"<([A-Za-z_]\w*)>", convert, rule)

    def from_request(self, path: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments for the current request.

        :param path: the variables of the URL, and what decorators of the class added to them.
        :raises Problem: 422, with every value that is missing or wrong.
        :raises werkzeug.exceptions.HTTPException: the body cannot be read.
        """
        if not self._named:
            return path
        values = dict(path)
        if self._query:
            query = request.args
            for name, several in self._query.items():
                if name in query and name not in values:
                    values[name] = query.getlist(name) if several else query[name]
        for name in self.bodies:
            # A request without a body has no media type to complain about; the value is missing.
            if name not in values and (request.content_length or request.is_json):
                values[name] = request.get_json()
        if self._validator is None:
            self._refuse_missing(values)
            return values
        own = {name: values.pop(name) for name in self._named if name in values}
        return {**values, **self._validated(own)}

    def from_event(self, arguments: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments for an event, by position and by name.

        :param arguments: what the client sent along with the event.
        :raises Problem: 422, for a wrong number of arguments and for every wrong value.
        """
        count = len(arguments)
        if count > len(self._named) and not self._any_number:
            self._refuse_count(count)
        if self._validator is None:
            if count < self._least:
                self._refuse_count(count)
            if not self._by_name:
                return arguments, {}
            return (), dict(zip(self._named, arguments, strict=False))
        values = self._validated(dict(zip(self._named, arguments, strict=False)))
        if not self._any_number:
            return (), values
        return (*values.values(), *arguments[len(values) :]), {}

    def _validated(self, values: dict[str, Any]) -> dict[str, Any]:
        try:
            valid: dict[str, Any] = self._validator(values)  # type: ignore[misc]
        except ValidationError as error:
            errors = [
                {"path": list(found["loc"]), "detail": found["msg"], "code": found["type"]}
                for found in error.errors(
                    include_url=False, include_context=False, include_input=False
                )
            ]
            raise Problem(422, _sentence(errors), errors=errors) from error
        return valid

    def _refuse_missing(self, values: Mapping[str, Any]) -> None:
        errors = [
            {"path": [name], "detail": "Field required", "code": "missing"}
            for name, parameter in self._named.items()
            if parameter.default is _Parameter.empty and name not in values
        ]
        if errors:
            raise Problem(422, _sentence(errors), errors=errors)

    def _refuse_count(self, count: int) -> None:
        names = ", ".join(self._named) or "none"
        raise Problem(422, f"The event takes the arguments ({names}), and {count} came.")


def variable(parameter: _Parameter, converters: Mapping[Any, str]) -> str:
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
    """Return a converter that knows the values, if they can stand in a rule."""
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


def _is_model(annotation: Any) -> bool:
    """Tell whether an annotation stands for a JSON body: a model, or several of them."""
    kind = _bare(annotation)
    origin = get_origin(kind) or kind
    if origin in _UNIONS or origin in _COLLECTIONS:
        return any(_is_model(argument) for argument in get_args(kind))
    if typing.is_typeddict(origin):
        return True
    if not isinstance(origin, type):
        return False
    return issubclass(origin, BaseModel | Mapping) or dataclasses.is_dataclass(origin)


def _is_collection(annotation: Any) -> bool:
    """Tell whether an annotation wants all values of a name in the query string."""
    kind = _bare(annotation)
    return (get_origin(kind) or kind) in _COLLECTIONS


def _unwrap(name: str, function: Callable[..., Any]) -> tuple[Callable[..., Any], list[_Parameter]]:
    """Return the function behind its decorators, and its parameters without ``self``.

    ``functools.wraps`` leaves a trail to it. Without one, the only function in a decorator's
    closure is taken for it, as Flask-Classful does.
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
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise RegistrationError(
            f"{name}: the annotation names {error.name!r}, which its module does not have at run "
            "time (an import under TYPE_CHECKING is seen by type checkers only)."
        ) from error
    hints.pop("return", None)
    return hints


def _validator(name: str, named: list[_Parameter]) -> Callable[[Any], Any]:
    """Return a function that validates and converts all arguments at once."""
    fields = {
        p.name: p.annotation if p.default is _Parameter.empty else NotRequired[p.annotation]
        for p in named
    }
    typed_dict: Any = TypedDict
    arguments = typed_dict("Arguments", fields)
    try:
        return TypeAdapter(arguments).validator.validate_python
    except Exception as error:
        raise RegistrationError(f"{name}: the annotations cannot be validated: {error}") from error


def _sentence(errors: list[dict[str, Any]]) -> str:
    first = errors[0]
    where = ".".join(str(step) for step in first["path"])
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {first['detail']}{more}"
