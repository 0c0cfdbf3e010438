# Owned by the template: an update may change this file.
"""The request that calls the same method as an event, and what the two have to agree on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote

from flask import Flask
from werkzeug.test import TestResponse

from {{ cookiecutter.__package }}.contract import reading
from {{ cookiecutter.__package }}.contract.structure import Route

_VARIABLE = re.compile(r"{(\w+)}")
_contract_of = lru_cache(maxsize=1)(reading.contract_of)
"""Return the contract of the application of this test, which is read once."""


class Call(NamedTuple):
    """A request that calls a method."""

    method: str
    path: str
    query: dict[str, str | list[str]]
    body: str | None

    def send(self, app: Flask, headers: Mapping[str, str]) -> TestResponse:
        """Send it to an application, with headers and without cookies of its own."""
        return app.test_client(use_cookies=False).open(
            self.path,
            method=self.method,
            query_string=self.query,
            data=self.body,
            content_type=None if self.body is None else "application/json",
            headers=dict(headers),
        )


def call_of(app: Flask, namespace: str, event: str, arguments: tuple[Any, ...]) -> Call:
    """Return the request that calls a method as an event does.

    :param app: the application with the method.
    :param namespace: the namespace of the event.
    :param event: its name.
    :param arguments: its arguments.
    :raises ValueError: no view answers the event, or no request can say the same.
    """
    views = [view for view in _contract_of(app).views if view.namespace == namespace]
    methods = (method for view in views for method in view.methods)
    method = next((method for method in methods if event in method.events), None)
    if method is None:
        raise ValueError(f"No view answers {event!r} in {namespace}")
    what = f"{event!r} of {namespace}"
    if not method.routes:
        raise ValueError(f"{what} has no route: {method.name} answers no request. Use `call`.")
    if len(arguments) > len(method.parameters):
        raise ValueError(f"{what} has more arguments than a request of {method.name} could say")
    given = {
        parameter.name: argument
        for parameter, argument in zip(method.parameters, arguments, strict=False)
    }
    for route in method.routes:
        if _can_say(route, given):
            return _call(route, given)
    routes = ", ".join(f"{route.method} {route.path}" for route in method.routes)
    raise ValueError(f"{what} with {given} cannot be said by a request: {routes}")


def _can_say(route: Route, given: dict[str, Any]) -> bool:
    """Tell whether a route has a place for every argument, and its path an argument each."""
    return given.keys() <= route.places.keys() and not any(
        given.get(name) in (None, "") for name in _VARIABLE.findall(route.path)
    )


def _call(route: Route, given: dict[str, Any]) -> Call:
    def of(place: str) -> dict[str, Any]:
        return {name: value for name, value in given.items() if route.places[name] == place}

    variables, body = of("path"), of("body")
    path = _VARIABLE.sub(lambda found: quote(_text(variables[found[1]]), ""), route.path)
    query = {
        name: [_text(one) for one in value] if isinstance(value, list | tuple) else _text(value)
        for name, value in of("query").items()
        if value is not None
    }
    return Call(route.method, path, query, next(map(json.dumps, body.values()), None))


def _text(value: Any) -> str:
    """Return a value as a URL says it."""
    return value if isinstance(value, str) else json.dumps(value)


def assert_agree(app: Flask, event: str, ack: Any, call: Call, response: TestResponse) -> None:
    """Assert that an event and a request have got the same answer.

    :param app: the application that has answered.
    :param event: the name of the event.
    :param ack: its ack.
    :param call: the request.
    :param response: what it got.
    :raises AssertionError: with both answers.
    """
    __tracebackhide__ = True
    body: Any = response.get_data(as_text=True) or None
    if response.is_json:
        body = response.get_json()
    # As JSON has it, where bytes are a text; an empty text is no body.
    said = None if ack == "" else app.json.loads(app.json.dumps(ack))
    if response.mimetype == "application/problem+json":
        agree = _without_id(said) == _without_id({"error": body})
        agree = agree and body["status"] == response.status_code
    else:
        agree = said == body
    if not agree:
        raise AssertionError(
            f"{event!r} and {call.method} {call.path} are answered differently."
            f"\n  ack: {ack!r}\n  {response.status_code}: {body!r}"
        )


def _without_id(answer: Any) -> Any:
    """Return an answer without the id of a 500, which is another one each time."""
    match answer:
        case {"error": {"status": 500, "id": _, **rest}}:
            return {"error": {"status": 500, **rest}}
    return answer
