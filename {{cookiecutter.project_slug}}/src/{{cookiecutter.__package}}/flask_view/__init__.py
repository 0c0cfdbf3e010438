# Owned by the template: an update may change this file.
"""One class answers a resource's HTTP requests and its Socket.IO events.

``FlaskView`` is the class to derive from, ``route`` and ``on`` mark its methods, ``Problem`` is the
error that both transports understand. The modules, in reading order: ``view`` (what a view can do),
``binding`` (arguments), ``serialization`` (results), ``errors`` (failures), ``requests`` and
``events`` (the two transports), ``records`` (log and numbers), ``registration`` (what happens once,
at the start).
"""

from .discovery import register_views
from .errors import Problem
from .marks import on, route
from .signature import RegistrationError
from .view import FlaskView

__all__ = [
    "FlaskView",
    "Problem",
    "RegistrationError",
    "on",
    "register_views",
    "route",
]
