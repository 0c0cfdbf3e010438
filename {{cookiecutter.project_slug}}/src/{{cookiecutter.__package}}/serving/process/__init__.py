# Owned by the template: an update may change this file.
"""One process, from its start to its end.

1. ``logs``: where it writes its log, and ``log_writer``, which does that while it serves.
2. ``listener``: the socket that it accepts connections on.
3. ``server``: the HTTP server of the async mode, and ``worker``, what that does for a connection.
4. ``background``: what the process does beside serving.
5. ``drain``: how it finishes its work before it stops.
"""
