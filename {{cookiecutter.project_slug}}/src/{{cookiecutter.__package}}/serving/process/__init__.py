# Owned by the template: an update may change this file.
"""One process, from its start to its end.

1. ``libraries``: what it imports first, with ``placeholders`` for what is not used of it.
2. ``logs``: where it writes its log, as text or by ``json_lines``, and ``log_writer``, which does
   that while it serves.
3. ``listener``: the socket that it accepts connections on.
4. ``server``: the HTTP server of the async mode, and ``worker``, what that does for a connection.
5. ``background``: what the process does beside serving.
6. ``drain``: how it finishes its work before it stops.
"""
