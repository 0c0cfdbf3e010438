# Owned by the template: an update may change this file.
"""Readiness: whether this process can take requests."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, current_app

_EXTENSION = "readiness"


def add_check(app: Flask, name: str, check: Callable[[], str]) -> None:
    """Add a check that the readiness of an application depends on.

    :param app: the application.
    :param name: what it is, in one word: ``"database"``.
    :param check: returns why it cannot be used, or an empty text. It has to answer in a few
        seconds.
    """
    app.extensions.setdefault(_EXTENSION, {})[name] = check


def trouble() -> dict[str, str]:
    """Return why the current application is not ready: the reasons, by what has them."""
    checks: dict[str, Callable[[], str]] = current_app.extensions.get(_EXTENSION, {})
    return {name: reason for name, check in checks.items() if (reason := check())}
