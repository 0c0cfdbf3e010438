# Owned by the template: an update may change this file.
"""Flask-Classy 0.6.10, the original of 2014, under the names that this package uses.

The only module that imports it. Werkzeug 2.2 removed a function that Flask-Classy imports, so that
function is lent to Werkzeug for the time of the import, and only then: nothing stays patched.

What differs from Flask-Classful, its maintained continuation:

- a class ``UserProfileView`` lives at ``/userprofile``, not at ``/user-profile``;
- with ``trailing_slash = True``, a URL that ends in an argument gets no slash;
- ``method_dashified`` and ``default_methods`` have no effect, and there is no decorator
  ``@method``: ``@route`` says the same.

``excluded_methods``, ``representations``, ``base_class``, ``init_argument`` and ``inspect_args``
work here too, because ``FlaskView`` itself answers for them.
"""

from collections.abc import Iterator
from typing import Any

import werkzeug.routing


def _parse_rule(rule: str) -> Iterator[tuple[None, None, str]]:
    """Yield the variables of a URL rule, in the form in which Werkzeug 2.1 gave them."""
    parsed = werkzeug.routing.Rule(f"/{rule.strip('/')}")
    werkzeug.routing.Map([parsed])
    for variable in sorted(parsed.arguments):
        yield None, None, variable


_routing: Any = werkzeug.routing
_routing.parse_rule = _parse_rule
try:
    from flask_classy import DecoratorCompatibilityError
    from flask_classy import FlaskView as LibraryView
    from flask_classy import route as library_route
finally:
    del _routing.parse_rule

__all__ = ["DecoratorCompatibilityError", "LibraryView", "library_route"]
