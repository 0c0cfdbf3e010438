# Owned by the template: an update may change this file.
"""The quick path of events: what the libraries do by the way, done once.

With ``QUICK_PATH=false``, and with versions of the libraries that nobody has tried it with, nothing
of this room is imported, and events take the path of the libraries. Each part has its gain beside
it: how many more events the service handles in the same processor time (``docs/benchmarks.md`` of
the template says how that is measured).

1. ``versions``: whether the path can be taken.
2. ``connection``: the connection of a client, with all that follows.
3. ``frames``: a websocket, read through a buffer and written at once.
4. ``pings``: one task that pings all clients.
5. ``context``: Flask's contexts of an event.
"""
