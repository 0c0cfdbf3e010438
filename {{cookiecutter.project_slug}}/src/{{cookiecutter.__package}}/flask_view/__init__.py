# Owned by the template: an update may change this file.
"""One class answers a resource's HTTP requests and its Socket.IO events.

``FlaskView`` is the class to derive from, ``route`` and ``on`` decorate its methods, ``Problem`` is
the error that both transports understand. In reading order: ``view`` (what a view can do),
``decorators``, ``handling`` (what happens for each request and each event), ``registration`` (what
happens once, at the start); ``library`` is the one that makes routes of a class.
"""

from .decorators import on, route
from .handling.errors import Problem
from .handling.signature import RegistrationError
from .registration.discovery import register_views
from .view import FlaskView

__all__ = [
    "FlaskView",
    "Problem",
    "RegistrationError",
    "on",
    "register_views",
    "route",
]
