# Owned by the template: an update may change this file.
"""Binding: a request or an event becomes the arguments of a method, by the method's signature.

The signature is read once, when the view is registered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter
from typing import Any, NotRequired

from flask import request
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from .errors import Problem
from .signature import RegistrationError, is_collection, is_model, signature_of, variable


class Binding:
    """Fills the parameters of one method from a request or from an event."""

    def __init__(self, name: str, function: Callable[..., Any], given: frozenset[str]) -> None:
        """Read the signature.

        :param name: the method's full name, for messages: ``RoomsView.get``.
        :param function: the function as the class holds it, decorators and all.
        :param given: names that a decorator fills (``base_args``), never a client.
        :raises RegistrationError: the signature is hidden, or cannot be served.
        """
        self.name = name
        self.function = function
        signature = signature_of(name, function)
        self.returns = signature.return_annotation
        """The annotation of the result, ``Signature.empty`` where there is none."""
        parameters = [
            parameter
            for parameter in signature.parameters.values()
            if parameter.name not in given and not parameter.name.startswith("_")
        ]
        variable_kinds = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        named = [p for p in parameters if p.kind not in variable_kinds]
        self.parameters = {p.name: p for p in named}
        """The parameters that a client fills, by their names, in order."""
        self.takes_more = any(p.kind is Parameter.VAR_POSITIONAL for p in parameters)
        """Whether an event may have any number of further arguments."""
        self._by_name = any(p.kind is Parameter.KEYWORD_ONLY for p in named)
        self._least = sum(p.default is Parameter.empty for p in named)
        if any(p.kind is Parameter.POSITIONAL_ONLY for p in named):
            raise RegistrationError(f"{name}: a request fills parameters by name; remove the '/'")
        self.bodies = [p.name for p in named if is_model(p.annotation)]
        self._query = {
            p.name: is_collection(p.annotation) for p in named if p.name not in self.bodies
        }
        annotated = any(p.annotation is not Parameter.empty for p in named)
        self._validator = _validator(name, named) if annotated else None

    @property
    def url_variables(self) -> list[Parameter]:
        """The parameters that are URL variables of a method without ``@route``."""
        return [
            p
            for p in self.parameters.values()
            if p.default is Parameter.empty
            and p.kind is not Parameter.KEYWORD_ONLY
            and p.name not in self.bodies
        ]

    @property
    def takes_arguments(self) -> bool:
        """Whether the method has any parameter that a client fills."""
        return bool(self.parameters)

    def check_body(self) -> None:
        """Refuse a method that no request can call.

        :raises RegistrationError: more than one parameter takes the body.
        """
        if len(self.bodies) > 1:
            wanted = ", ".join(self.bodies)
            raise RegistrationError(f"{self.name}: a request has one body, for one of {wanted}")

    def check_event(self) -> None:
        """Refuse a method that no event can call.

        :raises RegistrationError: it has keyword-only parameters after ``*args``.
        """
        if self.takes_more and self._by_name:
            raise RegistrationError(f"{self.name}: an event cannot fill parameters after *args")

    def convert_path(self, rule: str, converters: Mapping[Any, str]) -> str:
        """Return a rule with the converters that the annotations of its variables call for."""

        def convert(match: re.Match[str]) -> str:
            parameter = self.parameters.get(match[1])
            return variable(parameter, converters) if parameter else match[0]

        return re.sub(r"<([A-Za-z_]\w*)>", convert, rule)

    def from_request(self, path: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments for the current request.

        :param path: the variables of the URL, and the arguments that decorators added.
        :raises Problem: 422, with every value that is missing or invalid.
        :raises werkzeug.exceptions.HTTPException: the body cannot be read.
        """
        if not self.parameters:
            return path
        values = dict(path)
        if self._query:
            query = request.args
            for name, several in self._query.items():
                if name in query and name not in values:
                    values[name] = query.getlist(name) if several else query[name]
        for name in self.bodies:
            # Without a body, the value is missing; get_json would complain about the media type.
            if name not in values and (request.is_json or request.content_length):
                values[name] = request.get_json()
        if self._validator is None:
            self._refuse_missing(values)
            return values
        own = {name: values.pop(name) for name in self.parameters if name in values}
        return {**values, **self._validated(own)}

    def from_event(self, arguments: Sequence[Any]) -> tuple[Sequence[Any], dict[str, Any]]:
        """Return the arguments for an event, by position and by name.

        :param arguments: the arguments of the event.
        :raises Problem: 422, with a wrong number of arguments, or with every invalid value.
        """
        count = len(arguments)
        if count > len(self.parameters) and not self.takes_more:
            self._refuse_count(count)
        if self._validator is None:
            if count < self._least:
                self._refuse_count(count)
            if not self._by_name:
                return arguments, {}
            return (), dict(zip(self.parameters, arguments, strict=False))
        values = self._validated(dict(zip(self.parameters, arguments, strict=False)))
        if not self.takes_more:
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
            for name, parameter in self.parameters.items()
            if parameter.default is Parameter.empty and name not in values
        ]
        if errors:
            raise Problem(422, _sentence(errors), errors=errors)

    def _refuse_count(self, count: int) -> None:
        names = ", ".join(self.parameters) or "none"
        raise Problem(422, f"The event takes the arguments ({names}), and {count} came.")


def _validator(name: str, named: list[Parameter]) -> Callable[[Any], Any]:
    """Return a function that validates and converts all arguments at once."""
    fields = {}
    for p in named:
        kind = Any if p.annotation is Parameter.empty else p.annotation
        fields[p.name] = kind if p.default is Parameter.empty else NotRequired[kind]
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
