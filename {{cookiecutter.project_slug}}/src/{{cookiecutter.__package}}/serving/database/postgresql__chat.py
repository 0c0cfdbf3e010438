# Owned by the template: an update may change this file.
"""PostgreSQL, whose library looks hosts up in C, and quotes values in its errors: neither here."""

from __future__ import annotations

import os
from typing import Any

import psycopg
from sqlalchemy import Dialect, Engine, ExceptionContext, event

from ..lookup import addresses

OPTIONS: dict[str, Any] = {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}
"""What an engine is made with."""


def prepare(engine: Engine) -> None:
    """Let an engine find the host without holding anybody up, and keep values out of errors.

    :param engine: made with ``OPTIONS``.
    """
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "handle_error", _conceal)


def _connect(dialect: Dialect, _: Any, arguments: Any, parameters: dict[str, Any]) -> Any:
    """Connect to PostgreSQL, whose library would look the host up in C, and hold everybody up.

    With the address beside it, the name is still what a certificate has to be made out to.
    """
    known = parameters.get("hostaddr") or os.environ.get("PGHOSTADDR")
    hosts = str(parameters.get("host") or os.environ.get("PGHOST", "")).split(",")
    ports = str(parameters.get("port") or os.environ.get("PGPORT", "")).split(",")
    if known or hosts == [""] or len(ports) not in (1, len(hosts)):
        return None
    found, trouble = [], ""
    for host, port in zip(hosts, ports if len(ports) > 1 else ports * len(hosts), strict=True):
        # Else it is a socket of the file system.
        is_name = host and host[0] not in "/@"
        try:
            found += [(host, port, place) for place in (addresses(host) if is_name else [""])]
        except OSError as error:
            trouble = str(error)
    if not found:
        raise psycopg.OperationalError(trouble)
    columns = zip(("host", "port", "hostaddr"), zip(*found, strict=True), strict=True)
    found_out = {name: ",".join(column) for name, column in columns}
    return dialect.connect(*arguments, **parameters | found_out)


def _conceal(context: ExceptionContext) -> None:
    """Take the values out of what PostgreSQL says; SQLAlchemy shows none by itself."""
    error, shown = context.original_exception, context.sqlalchemy_exception
    if isinstance(error, psycopg.Error) and error.sqlstate and shown:
        # Its details quote values, and errors in data (class 22) do so in their first line.
        is_quoting = error.sqlstate.startswith("22")
        text = "" if is_quoting else error.diag.message_primary
        error.args = (text or f"SQLSTATE {error.sqlstate}",)
        shown.args = (f"({type(error).__name__}) {error.args[0]}",)
