# Owned by the template: an update may change this file.
"""URLs of servers, as they may be shown: what is wrong with one is said without its password."""

from __future__ import annotations

import re

_SHOWN = re.compile(
    r"""
    (?P<scheme> [a-zA-Z][a-zA-Z0-9+.-]* )://
    (?: (?P<secret> .* ) @ )?
    (?P<place> [^@/?\#:]* (?: :[0-9]+ )? (?: ,[^@/?\#:]+ (?: :[0-9]+ )? )* (?: /[^@?\#]* )? )
    (?P<query> [?\#] [^@]* )?
    """,
    re.VERBOSE | re.DOTALL,
)


def without_password(url: str) -> str:
    """Return a URL without what may be a secret in it, also one that is written wrong.

    :param url: the URL. Nothing but the scheme, the host, the port and the path is left of it.
    """
    found = _SHOWN.fullmatch(url)
    if found is None:
        return "***"
    secret, query = ("***@" if found["secret"] else ""), ("?***" if found["query"] else "")
    return f"{found['scheme']}://{secret}{found['place']}{query}"
