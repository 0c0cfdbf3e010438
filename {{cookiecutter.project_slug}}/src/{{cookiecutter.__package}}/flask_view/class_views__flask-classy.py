# Owned by the template: an update may change this file.
"""Flask-Classy 0.6.10, the original of 2014, under the names that this package uses.

No other module imports it. Werkzeug 2.2 removed a function that Flask-Classy imports, so Werkzeug
gets a replacement during that import, and only then: nothing stays patched.

What differs from Flask-Classful, its continuation under Pallets-Eco (version 0.16 of 2023):

- a class ``UserProfileView`` has the path ``/userprofile``, not ``/user-profile``;
- with ``trailing_slash = True``, a URL that ends in a variable gets no slash;
- there is no decorator ``@method``; ``@route`` does the same.

Whatever else Flask-Classful added works here too, because ``FlaskView`` does it itself.
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

SLASH_ALWAYS = False

__all__ = ["SLASH_ALWAYS", "DecoratorCompatibilityError", "LibraryView", "library_route"]
