# Owned by the template: an update may change this file.
"""What the tests stand on.

1. ``fixtures``: what a test asks for by the names of its parameters; ``conftest`` imports them.
2. ``live_server``: the server of the fixture ``server``, in this process.
3. ``live``: the Socket.IO client of the fixture ``connect``. ``network`` is its connection,
   ``answers`` the requests of its ``answer``, ``promised`` what checks whatever arrives.
4. ``sent``: the list of the fixture ``sent``.
5. ``matching``: which events a test means.
"""
