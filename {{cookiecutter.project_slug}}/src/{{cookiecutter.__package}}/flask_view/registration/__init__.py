# Owned by the template: an update may change this file.
"""What happens once, when the service starts.

1. ``discovery``: the views of a package are found.
2. ``register``: the routes and events of a view are worked out, then added, all or none.
3. ``routes``: what the library underneath makes of a class.
"""
