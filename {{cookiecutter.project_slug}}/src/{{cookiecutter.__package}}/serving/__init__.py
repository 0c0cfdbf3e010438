# Owned by the template: an update may change this file.
"""What runs the service: one process, its many clients, and the other processes beside it.

1. ``async_mode`` is imported before all else; ``cli`` has the commands, ``settings`` the settings.
2. ``process``: the process starts, listens, accepts connections, and drains before it stops.
3. ``layers``: what stands around the application, in which order; ``service`` is all of it.
4. ``requests``: what every HTTP request passes before Flask sees it.
5. ``connections``: what every Socket.IO connection and each of its packets passes.
6. ``quick``: the quick path of the events, which a setting turns off.
7. ``cluster``: the other processes, which a broker joins with this one.

Beside that: ``browser`` (what pages import), ``new_view`` (what that command writes),
``readiness``, ``instance`` (the service's own files), ``lookup`` (of host names), ``urls``.
"""
