# Owned by the template: an update may change this file.
"""The library underneath, kept from changing anything: what its registration sees and writes to.

It keeps its notes on the class that it registers. It is therefore given a stand-in, derived from
the view's class for this one registration, whose only functions are those that are to become
routes, and a notebook in place of the application.
"""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Blueprint, Flask

from ..handling.binding import Binding
from ..handling.requests import view_function
from ..handling.signature import variable
from ..library import LibraryView

if TYPE_CHECKING:
    from ..view import FlaskView

RULES = "_rule_cache"
"""Where the library keeps on a function what ``route`` said."""

_OWN_SUBDOMAIN = "subdomain of the route itself"


class Rule(NamedTuple):
    """One call of ``Flask.add_url_rule``."""

    rule: str
    endpoint: str
    function: Callable[..., Any]
    options: dict[str, Any]

    def add_to(self, app: Flask | Blueprint) -> None:
        """Make the call."""
        app.add_url_rule(self.rule, self.endpoint, self.function, **self.options)


class Notebook:
    """Stands in for the application and writes the rules down."""

    def __init__(self, app: Flask | Blueprint) -> None:
        self.subdomain = getattr(app, "subdomain", None)
        self.rules: list[Rule] = []

    def add_url_rule(
        self, rule: str, endpoint: str, function: Callable[..., Any], **options: Any
    ) -> None:
        """Write down what the application would be told."""
        own = options.pop(_OWN_SUBDOMAIN, None)
        if options.get("subdomain") is None:
            options["subdomain"] = own
        self.rules.append(Rule(rule or "/", endpoint, function, options))


class StandIn(LibraryView):
    """What the library sees of a view: finished functions, and the rules of their parameters."""

    base_args: list[str]
    type_hints: dict[Any, str]
    inspect_args: bool

    @classmethod
    def write_rules(cls, notebook: Notebook, subdomain: str | None) -> None:
        """Let the library work out the rules, past the ``register`` of ``FlaskView``."""
        LibraryView.register.__func__(cls, notebook, subdomain=subdomain)  # type: ignore[attr-defined]

    @classmethod
    def make_proxy_method(cls, name: str, _: Any = None) -> Any:
        """Return the function of a route, which is finished already."""
        return getattr(cls, name)

    @classmethod
    def build_rule(cls, rule: str, method: Any = None) -> str:
        """Return the URL rule of a method, by its own signature."""
        path = super().build_rule(rule)
        if method is None or not cls.inspect_args:
            return path
        variables = [
            variable(parameter, cls.type_hints)
            for parameter in method.binding.url_variables
            if parameter.name not in cls.base_args
        ]
        return re.sub("/{2,}", "/", "/".join([path, *variables]))

    @classmethod
    def parse_options(cls, options: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
        """Keep the subdomain of one route from the library, which gives it to all that follow."""
        subdomain, endpoint, options = super().parse_options(options)
        return None, endpoint, {**options, _OWN_SUBDOMAIN: subdomain}


def stand_in_for(
    view: FlaskView, bindings: dict[str, Binding], routed: set[str], overrides: dict[str, Any]
) -> type[StandIn]:
    """Return the class that the library registers."""
    cls = type(view)
    attributes: dict[str, Any] = {
        name: None for name, _ in inspect.getmembers(cls, inspect.isfunction) if name[0] != "_"
    }
    for name in routed:
        binding = bindings[name]
        binding.check_body()
        function: Any = view_function(view, name, binding)
        function.binding = binding
        function._rule_cache = _rules(cls, name, binding)
        attributes[name] = function
    attributes |= {"base_args": list(cls.base_args), **overrides}
    return type(cls.__name__, (StandIn, cls), attributes)


def _rules(
    cls: type[FlaskView], name: str, binding: Binding
) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """Return the rules and options that ``@route`` gave a method, by its name, or nothing."""
    function = marked(cls, name, RULES)
    if function is None:
        return {}
    rules = getattr(function, RULES)
    if name not in rules:
        warnings.warn(
            f"{binding.name}: its @route has no effect, because a decorator below it changes the "
            "method's name; use functools.wraps in that decorator",
            stacklevel=2,
        )
        return {}
    converters = cls.type_hints
    return {
        name: [
            (binding.convert_path(rule, converters), {**options}) for rule, options in rules[name]
        ]
    }


def marked(cls: type, name: str, mark: str) -> Any:
    """Return the newest definition of a method that carries a mark, so an override keeps it."""
    for parent in cls.__mro__:
        if hasattr(vars(parent).get(name), mark):
            return vars(parent)[name]
    return None
