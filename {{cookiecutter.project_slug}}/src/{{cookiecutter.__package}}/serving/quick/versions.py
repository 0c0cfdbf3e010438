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

# Methods of Flask that are not called on the quick path.
_REPLACED = (
    "app_context",
    "finalize_request",
    "full_dispatch_request",
    "request_context",
    "wsgi_app",
)


def obstacle(app: Flask) -> str:
    """Return what keeps an application from the quick path, in a few words, or nothing.

    :param app: the application.
    """
    for name, tried in TRIED.items():
        if not (installed := version(name)).startswith(tried):
            return f"{name} {installed}"
    for name in _REPLACED:
        if name in vars(app) or getattr(type(app), name) is not getattr(Flask, name):
            return f"{name} of the application's own"
    return ""
