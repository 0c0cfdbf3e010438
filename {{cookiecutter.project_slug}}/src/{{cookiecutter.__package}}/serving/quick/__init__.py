# Owned by the template: an update may change this file.
"""The quick path of events: what the libraries do anew for each event, done once.

With ``QUICK_PATH=false``, or with versions of the libraries that nobody has tried it with, nothing
of this room but ``versions`` is imported, and events take the path of the libraries.

1. ``versions``: whether the installed libraries allow it.
2. ``connection``: the connection of a client, which answers an event where it reads it.
3. ``frames``: a websocket, read through a buffer and written at once.
4. ``pings``: one task that pings all clients.
5. ``context``: Flask's contexts of an event.
"""
