# Owned by the template: an update may change this file.
"""One class answers a resource's HTTP requests and its Socket.IO events.

``FlaskView`` is the class to derive from, ``route`` and ``on`` decorate its methods, ``Problem`` is
the error that both transports understand. In reading order:

1. ``view``: what a view can do, and ``decorators``: what ``@route`` and ``@on`` do.
2. ``registration``: what happens once, when the service starts.
3. ``handling``: what happens for each request and each event.
4. ``rooms``: who hears what, and who is there.
5. ``library``: the library whose conventions views follow, which ``class_views`` imports.
"""

from .decorators import on, route
from .handling.errors import Problem
from .handling.promises import PromiseError
from .handling.signature import RegistrationError
from .registration.discovery import register_views
from .rooms.payloads import PresenceDiff, PresenceState
from .view import FlaskView

__all__ = [
    "FlaskView",
    "PresenceDiff",
    "PresenceState",
    "Problem",
    "PromiseError",
    "RegistrationError",
    "on",
    "register_views",
    "route",
]
