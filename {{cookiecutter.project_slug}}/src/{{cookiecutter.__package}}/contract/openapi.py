# Owned by the template: an update may change this file.
"""OpenAPI 3.1: the routes of a contract (https://spec.openapis.org/oas/v3.1.1)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from .structure import Contract, Method, Parameter, Route, Schema, View, limits_of

_VARIABLE = re.compile("{(.*?)}")
_REASONS = {"200": "OK", "201": "Created", "202": "Accepted", "204": "No content"}

_RETRY_AFTER = {
    "description": "the seconds until one more is let in, as retry_after of the problem",
    "schema": {"type": "integer", "minimum": 1},
}


def document(contract: Contract) -> dict[str, Any]:
    """Return the document, in JSON's types.

    :param contract: what the service promises.
    """
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    spelled: dict[str, str] = {}
    for view in contract.views:
        for method in view.methods:
            for number, route in enumerate(method.routes):
                # The document has one path for all that differ in the names of variables only.
                path = spelled.setdefault(_VARIABLE.sub("{}", route.path), route.path)
                name = f"{view.name}.{method.name}" + (f".{number + 1}" if number else "")
                operation = _operation(name, view, method, route, path, contract.problem)
                paths[path].setdefault(route.method.lower(), operation)
    return {
        "openapi": "3.1.1",
        "info": contract.info,
        "servers": [{"url": "/"}],
        "tags": [
            {"name": view.name, "description": view.doc}
            for view in contract.views
            if any(method.routes for method in view.methods)
        ],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": contract.schemas},
    }


def _operation(
    name: str, view: View, method: Method, route: Route, path: str, problem: Schema
) -> dict[str, Any]:
    names = dict(zip(_VARIABLE.findall(route.path), _VARIABLE.findall(path), strict=True))
    operation: dict[str, Any] = {
        "operationId": name,
        "tags": [view.name],
        **method.words,
        "parameters": [
            _parameter(parameter, names.get(parameter.name, parameter.name), place)
            for parameter, place in _in_url(method, route, names)
        ],
    }
    for parameter in method.parameters:
        if route.places.get(parameter.name) == "body":
            operation["requestBody"] = {
                "required": parameter.required,
                "content": {"application/json": {"schema": parameter.schema}},
            }
    operation["responses"] = _responses(method, problem)
    if method.limits:
        operation.update(limits_of(method.limits))
        operation["responses"]["429"]["headers"] = {"Retry-After": _RETRY_AFTER}
    return operation


def _in_url(method: Method, route: Route, names: dict[str, str]) -> Iterator[tuple[Parameter, str]]:
    """Yield what the URL of a route holds, also what a decorator takes in place of the method."""
    for parameter in method.parameters:
        if route.places.get(parameter.name) in ("path", "query"):
            yield parameter, route.places[parameter.name]
    for name in names:
        if name not in route.places:
            yield Parameter(name, True, {"type": "string"}), "path"


def _parameter(parameter: Parameter, name: str, place: str) -> dict[str, Any]:
    """Return a parameter of a path or a query, where nothing can be written that means ``null``."""
    schema = _without_null(parameter.schema)
    if place == "path" and schema.get("type") == "string":
        schema = {"minLength": 1} | schema
    return {
        "name": name,
        "in": place,
        "required": parameter.required or place == "path",
        "schema": schema,
    }


def _without_null(schema: Schema) -> Schema:
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    if rest.get("default", ...) is None:
        del rest["default"]
    if len(options) == 1:
        return {**options[0], **rest}
    return {"anyOf": options} | rest if options else rest


def _responses(method: Method, problem: Schema) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status in method.result.statuses if method.result else ():
        responses[status] = {"description": _REASONS.get(status, "Success")}
        if method.result and method.result.media and status != "204":
            content = {method.result.media: {"schema": method.result.schema}}
            responses[status]["content"] = content
    failed = {"application/problem+json": {"schema": problem}}
    details: dict[int, list[str]] = defaultdict(list)
    if method.parameters:
        details[422].append("an argument is missing or wrong")
    for error in method.errors:
        details[error.status].append(error.detail)
    for code, why in sorted(details.items()):
        responses[str(code)] = {"description": "; ".join(why), "content": failed}
    responses["default"] = {"description": "why it failed", "content": failed}
    return responses
