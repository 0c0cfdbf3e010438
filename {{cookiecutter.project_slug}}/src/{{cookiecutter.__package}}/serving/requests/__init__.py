# Owned by the template: an update may change this file.
"""What an HTTP request passes before Flask sees it.

1. ``pending``: connections whose request has not arrived yet.
2. ``headers``: what browsers are told with every response.
3. ``origins``: what pages of other sites may do here.
4. ``session_cookie``: Flask's session, for those who have one, and ``body``: small bodies.

``kinds`` tells the requests of Socket.IO from all others.
"""
