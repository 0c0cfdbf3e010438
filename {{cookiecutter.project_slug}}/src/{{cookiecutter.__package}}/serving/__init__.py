# Owned by the template: an update may change this file.
"""What runs the service: one process, its many clients, and the other processes beside it.

In the order in which a request or an event passes them:

1. ``process``: the process starts, listens, accepts connections, and drains before it stops.
2. ``layers``: what stands around the application, and in which order.
3. ``requests``: what every HTTP request passes before Flask sees it.
4. ``connections``: what every Socket.IO connection and each of its packets passes.
5. ``cluster``: the other processes, which a broker joins with this one.

``cli`` has the commands, ``settings`` the settings; ``async_mode`` is imported before all others.
"""
