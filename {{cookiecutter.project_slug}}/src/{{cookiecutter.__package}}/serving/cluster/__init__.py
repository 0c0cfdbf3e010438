# Owned by the template: an update may change this file.
"""The other processes of the service.

1. ``clients``: the clients of this process, and what reaches those of the others.
2. ``broker``: how it reaches them, through Redis.
3. ``rosters`` and ``windows``: who is in which room, and how often somebody has called, of all of
   them, in Redis as well.
"""
