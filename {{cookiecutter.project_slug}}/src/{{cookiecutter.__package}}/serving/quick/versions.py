# Owned by the template: an update may change this file.
"""Whether the quick path fits the libraries that are installed."""

from __future__ import annotations

from importlib.metadata import version

from flask import Flask

TRIED = {
    "flask": ("3.1.",),
    "flask-socketio": ("5.6.", "5.7."),
    "python-engineio": ("4.13.", "4.14.", "4.15."),
    "python-socketio": ("5.17.", "5.18."),
}
"""Versions whose inner parts, which the quick path uses, are known."""


def obstacle(app: Flask) -> str:
    """Return what keeps an application from the quick path, in a few words, or nothing.

    :param app: the application.
    """
    for name, tried in TRIED.items():
        if not (installed := version(name)).startswith(tried):
            return f"{name} {installed}"
    for method in ("app_context", "request_context"):
        if getattr(type(app), method) is not getattr(Flask, method):
            return f"a {method}() of the application's own"
    return ""
