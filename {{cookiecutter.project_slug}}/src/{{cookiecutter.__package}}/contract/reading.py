# Owned by the template: an update may change this file.
"""Reading the contract of an application from what its views have been registered with."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from inspect import Parameter as SignatureParameter
from typing import Any

from flask import Flask
from pydantic_core import to_jsonable_python
from werkzeug.routing import Rule

from ..flask_view import FlaskView
from ..flask_view.decorators import CONNECTION, SOCKET_PREFIX
from ..flask_view.handling.binding import Binding
from ..flask_view.handling.limiting import Limit, Limiter
from ..flask_view.registration.views import Registered, registered_with
from . import catalog, docstrings, results
from .project import FOLDER, described
from .schemas import INCOMING, OUTGOING, Problem, Schemas
from .structure import Contract, Error, Method, Parameter, Route, Schema, View

_VARIABLE = re.compile(r"<(?:[^<>]*:)?([A-Za-z_]\w*)>")


def contract_of(app: Flask) -> Contract:
    """Return what the views of an application promise; the same code gives the same contract.

    :param app: the application. What it answers without a view is not described.
    """
    schemas = Schemas()
    problem = schemas.of(Problem, OUTGOING)
    rules = defaultdict(list)
    for rule in app.url_map.iter_rules():
        binding = getattr(app.view_functions[rule.endpoint], "binding", None)
        if binding and not rule.build_only:
            rules[binding].append(rule)
    views = [
        _view(registered, rules, schemas)
        for registered in registered_with(app)
        if not type(registered.view).__module__.startswith(f"{__package__}.")
    ]
    views.sort(key=lambda view: (view.path, view.name))
    title, version, description = described()
    return Contract(
        title=title,
        version=version,
        description=description,
        views=views,
        problem=problem,
        schemas=schemas.make(),
    )


def _view(registered: Registered, rules: dict[Binding, list[Rule]], schemas: Schemas) -> View:
    view, bindings = registered.view, registered.bindings
    cls = type(view)
    promises = view._promises
    sends = {
        event: schemas.of(kind, OUTGOING)
        for event, kind in (promises.arguments.items() if promises else ())
    }
    answered: dict[str, list[str]] = defaultdict(list)
    for event, name in registered.events:
        if event not in CONNECTION:
            answered[name].append(event)
    names = [name for name in _names(cls) if name in bindings]
    methods = [
        _method(view, name, bindings[name], rules[bindings[name]], answered[name], schemas)
        for name in names
        if rules[bindings[name]] or answered[name]
    ]
    return View(
        name=cls.__name__,
        doc=docstrings.text_of(cls),
        source=_source(catalog.place_of_class(cls)),
        path=registered.path,
        namespace=view.namespace if view.socketio and (registered.events or sends) else None,
        auth=_auth(registered, schemas),
        limits=_limits(view, f"{SOCKET_PREFIX}connect"),
        methods=methods,
        sends=sends if promises else None,
    )


def _source(place: catalog.Place) -> str:
    """Return a file and a line, wherever on a machine the service is."""
    folder = FOLDER.parent
    root = folder.parent if folder.name == "src" else folder
    file = place.file
    known = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
    return f"{known}:{place.line}"


def _names(cls: type) -> Iterator[str]:
    """Yield the names of a class in the order of its source, and then those of its bases."""
    yield from dict.fromkeys(name for parent in cls.__mro__ for name in vars(parent))


def _auth(registered: Registered, schemas: Schemas) -> Schema | None:
    """Return the schema of what a client sends along when it connects, if the view says so."""
    for event, name in registered.events:
        if event == "connect":
            for parameter in registered.bindings[name].parameters.values():
                if parameter.annotation not in (SignatureParameter.empty, Any):
                    return schemas.of(parameter.annotation, INCOMING)
    return None


def _method(
    view: FlaskView,
    name: str,
    binding: Binding,
    rules: list[Rule],
    events: list[str],
    schemas: Schemas,
) -> Method:
    described = docstrings.parameters_of(binding.function)
    result = None
    if rules:
        result = results.result_of(binding.returns, schemas, anything=bool(view.representations))
    return Method(
        name=name,
        doc=docstrings.text_of(binding.function),
        source=_source(catalog.place_of(binding.function)),
        routes=[route for rule in rules for route in _routes(rule, binding)],
        events=events,
        parameters=[
            _parameter(parameter, described.get(parameter.name), schemas)
            for parameter in binding.parameters.values()
        ],
        rest=binding.takes_more,
        result=result,
        ack=results.ack_of(binding.returns, schemas, has_url=bool(rules)) if events else None,
        errors=list(_errors(type(view), binding, view._limiters.get(name))),
        limits=_limits(view, name),
    )


def _routes(rule: Rule, binding: Binding) -> Iterator[Route]:
    """Yield the routes of a rule, one for each method of HTTP that does not come by itself."""
    variables = _VARIABLE.findall(rule.rule)
    places = {}
    for name in binding.parameters:
        if name in variables:
            places[name] = "path"
        # What a rule has a default for is no client's to say.
        elif name not in rule.arguments:
            places[name] = "body" if name in binding.bodies else "query"
    for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
        yield Route(method, _VARIABLE.sub(r"{\1}", rule.rule), places)


def _parameter(
    parameter: SignatureParameter, description: str | None, schemas: Schemas
) -> Parameter:
    more: Schema = {"description": description} if description else {}
    required = parameter.default is SignatureParameter.empty
    if not required:
        # Some defaults only Python has words for.
        with suppress(Exception):
            more["default"] = to_jsonable_python(parameter.default)
    untyped = parameter.annotation is SignatureParameter.empty
    kind = Any if untyped else parameter.annotation
    return Parameter(parameter.name, required, schemas.of(kind, INCOMING, **more))


def _limits(view: FlaskView, name: str) -> list[Limit]:
    limiter = view._limiters.get(name)
    return limiter.limits if limiter else []


def _errors(cls: type[FlaskView], binding: Binding, limiter: Limiter | None) -> Iterator[Error]:
    """Yield what can go wrong, by docstrings, of the view's ``authorize`` too, and by limits."""
    yield from dict.fromkeys(
        error
        for function in (binding.function, inspect.unwrap(cls.authorize))
        if function is not FlaskView.authorize
        for error in docstrings.errors_of(function)
    )
    if limiter:
        yield Error(429, f"more than {limiter.words}")
