# Owned by the template: an update may change this file.
"""The other processes of the service.

1. ``affinity``: a session belongs to one process, and a proxy has to find it.
2. ``broker``: what is sent to clients of other processes, through Redis.
"""
