# Owned by the template: an update may change this file.
"""The quick path: what the libraries do anew for each request and each event, done once.

With ``QUICK_PATH=false``, or with versions of the libraries that nobody has tried it with, nothing
of this room but ``versions`` is imported, and requests and events take the path of the libraries.

1. ``versions``: whether the installed libraries allow it.
2. ``requests``: Flask's part of a request.
3. ``connection``: the connection of a client, which answers an event where it reads it.
4. ``frames``: a websocket, read through a buffer and written at once.
5. ``batches``: frames for one client that go out together.
6. ``pings``: one task that pings all clients.
7. ``context``: Flask's contexts of an event.
"""
