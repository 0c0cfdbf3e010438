# Owned by the template: an update may change this file.
"""What happens once, when the service starts.

1. ``discovery``: finds the views of a package.
2. ``views``: adds the routes and events of a view, all or none.
3. ``routes``: works out the URL rules of a view, and refuses those that are taken.
"""
