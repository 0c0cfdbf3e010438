# Owned by the template: an update may change this file.
"""Headers that tell browsers to be careful."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

# A browser takes a file for what its type says; and other sites do not learn from which page
# somebody comes. With "no-referrer", browsers would not name the origin of a form of our own.
_HEADERS = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin"))


def add_headers(serve: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Return a WSGI application whose responses have the headers, unless they say otherwise.

    :param serve: the WSGI application that gives the responses.
    """

    def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            given = {name.lower() for name, _ in headers}
            headers += [header for header in _HEADERS if header[0].lower() not in given]
            return start_response(status, headers, *more)

        return serve(environ, start)

    return wsgi_app
