# Owned by the template: an update may change this file.
"""Rooms: who hears what, and who is there.

In reading order:

1. ``names``: what a view's room is called in Socket.IO, and why no client can choose that name.
2. ``members``: the rooms that each client is in.
3. ``presence``: what a view says of those who are in a room, and asks.
4. ``payloads``: what the clients are told of it.
5. ``roster``: who is where, of all processes, and ``place``: one room of it.
6. ``telling``: when the clients are told.
"""
