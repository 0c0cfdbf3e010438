# Owned by the template: an update may change this file.
"""The other processes of the service.

1. ``clients``: the clients of this process, and what reaches those of the others.
2. ``broker``: how it reaches them, through Redis.
3. ``rosters``: which rooms the clients of all of them are in, there, too.
"""
