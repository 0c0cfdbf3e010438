# Owned by the template: an update may change this file.
"""What the pages of a service import, in development and in production.

1. ``client``: the address at which they find it.
2. ``static``: the Socket.IO client, and who is in a room; modules without a build step.
"""
