# Owned by the template: an update may change this file.
"""The URL rules of a view, by the conventions of the library below.

The library decides the path of a class, what ``@route`` leaves on a method and what an endpoint is
called. The rules themselves are worked out here, because the library's own ``register`` changes the
class, gives the subdomain of one route to all that follow, and cannot be undone when it fails.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Blueprint, Flask
from flask.blueprints import BlueprintSetupState
from flask.sansio.app import App
from werkzeug.routing import Map
from werkzeug.routing import Rule as WerkzeugRule

from ..handling.binding import Binding
from ..handling.requests import view_function
from ..handling.signature import RegistrationError, variable
from ..library import SLASH_ALWAYS

if TYPE_CHECKING:
    from ..view import FlaskView

RULES = "_rule_cache"
"""The attribute in which the library's ``@route`` keeps the rules of a function."""
METHODS = "http_methods"
"""The attribute in which the library's ``@method`` keeps the HTTP methods of a function."""


class Rule(NamedTuple):
    """The arguments of one call of ``Flask.add_url_rule``."""

    rule: str
    endpoint: str
    function: Any
    """What ``view_function`` returns, with the ``binding`` of the method as an attribute."""
    options: dict[str, Any]

    def add_to(self, target: Flask | Blueprint | BlueprintSetupState) -> None:
        """Make the call."""
        target.add_url_rule(self.rule, self.endpoint, self.function, **self.options)


def rules_of(
    view: FlaskView,
    cls: type[FlaskView],
    bindings: dict[str, Binding],
    subdomain: str | None,
    rule_options: dict[str, Any],
) -> list[Rule]:
    """Return the rules of a view.

    :param view: the instance that is to answer.
    :param cls: its class, with the attributes that this registration changes.
    :param bindings: the arguments of the methods that have URLs, by the names of the methods.
    :param subdomain: the subdomain of all rules; without one, ``@route`` may give one of its own.
    :param rule_options: options of all rules, which replace those of ``@route``.
    :raises RegistrationError: a request cannot fill the arguments of a method.
    """
    rules = []
    for name, binding in bindings.items():
        binding.check_body()
        function: Any = view_function(view, name, binding)
        function.binding = binding
        endpoint = cls.build_route_name(name)
        of_route = _rules_of_route(cls, name, binding)
        for number, (path, given) in enumerate(of_route):
            options = {**given, **rule_options}
            own = options.pop("endpoint", f"{endpoint}_{number}" if of_route[1:] else endpoint)
            rules.append(Rule(cls.build_rule(path), own, function, options))
        if not of_route:
            options = {"methods": _methods(cls, name), **rule_options}
            rules.append(Rule(_default_rule(cls, name, binding), endpoint, function, options))
    if subdomain:
        for rule in rules:
            rule.options["subdomain"] = subdomain
    return rules


def _rules_of_route(
    cls: type[FlaskView], name: str, binding: Binding
) -> list[tuple[str, dict[str, Any]]]:
    """Return the paths and options that ``@route`` gave a method."""
    function = definition_with(cls, name, RULES)
    if function is None:
        return []
    rules = getattr(function, RULES)
    if name not in rules:
        warnings.warn(
            f"{binding.name}: its @route has no effect, because a decorator below it changes the "
            "method's name; use functools.wraps in that decorator",
            stacklevel=2,
        )
    return [
        (binding.convert_path(path, cls.type_hints), options)
        for path, options in rules.get(name, ())
    ]


def _default_rule(cls: type[FlaskView], name: str, binding: Binding) -> str:
    """Return the rule of a method without ``@route``: its name, and its arguments as variables."""
    variables = [
        variable(parameter, cls.type_hints)
        for parameter in binding.url_variables
        if cls.inspect_args and parameter.name not in cls.base_args
    ]
    own = [] if name in cls.special_methods else [name]
    if cls.method_dashified:
        own = [name.replace("_", "-") for name in own]
    path = cls.build_rule("/".join([*own, *variables])).rstrip("/")
    slash = cls.trailing_slash and (SLASH_ALWAYS or not variables)
    return path + "/" if slash or not path else path


def _methods(cls: type[FlaskView], name: str) -> list[str]:
    """Return the HTTP methods of a method without ``@route``."""
    methods = getattr(definition_with(cls, name, METHODS), METHODS, cls.default_methods)
    return cls.special_methods.get(name, methods)


def definition_with(cls: type, name: str, attribute: str) -> Any:
    """Return the newest definition of a method that has an attribute, which a decorator has set.

    A method that is overridden without the decorator keeps its routes and events in this way.
    """
    for parent in cls.__mro__:
        if hasattr(vars(parent).get(name), attribute):
            return vars(parent)[name]
    return None


def check_rules(rules: list[Rule], app: App, blueprint: BlueprintSetupState | None = None) -> None:
    """Refuse rules that Flask does not accept, and those that another method answers already.

    Of two rules for the same requests, the first one wins in Werkzeug 3.1, without a word; Werkzeug
    3.2 raises ``DuplicateRuleError``, which names neither method. Nothing is added to the
    application here.

    :param rules: the rules of one view.
    :param app: the application.
    :param blueprint: the blueprint that the view belongs to, while it is registered with it.
    :raises RegistrationError: two methods answer the same requests.
    """
    taken = defaultdict(list)
    for existing in app.url_map.iter_rules():
        binding = getattr(app.view_functions.get(existing.endpoint), "binding", None)
        name = binding.name if binding else existing.endpoint
        taken[_requests_of(existing)].append((existing.methods or set(), name))
    # What Flask makes of a rule is known when it is added, so it is added to another application.
    other = Flask("other", static_folder=None, host_matching=app.url_map.host_matching)
    target: Flask | BlueprintSetupState = other
    if blueprint:
        target = copy.copy(blueprint)
        target.app = other
    for rule in rules:
        other.url_map = Map(
            default_subdomain=app.url_map.default_subdomain,
            converters=app.url_map.converters,
            host_matching=app.url_map.host_matching,
        )
        rule.add_to(target)
        for added in other.url_map.iter_rules():
            methods, name = added.methods or set(), rule.function.binding.name
            for others, other_name in taken[_requests_of(added)]:
                # Every GET answers HEAD as well, and every rule OPTIONS.
                both = (methods & others) - {"HEAD", "OPTIONS"}
                if both or methods == others:
                    requests = f"{', '.join(sorted(both or methods))} {added.rule}"
                    if name == other_name:
                        raise RegistrationError(f"{name} is registered twice for {requests}")
                    raise RegistrationError(f"{other_name} and {name} both answer {requests}")
            taken[_requests_of(added)].append((methods, name))


def _requests_of(rule: WerkzeugRule) -> tuple[Any, ...]:
    """Return what is equal for two rules that match the same requests, apart from the methods."""
    path = re.sub(r"(?<=[<:])\w+>", ">", rule.rule).replace("<string:>", "<>")
    only_built = rule.endpoint if rule.build_only else None
    return rule.host, rule.subdomain, path, rule.websocket, only_built
