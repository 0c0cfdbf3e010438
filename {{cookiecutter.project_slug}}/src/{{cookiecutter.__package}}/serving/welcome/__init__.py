# Owned by the template: an update may change this file.
"""The page that a service shows in development: what runs, what it answers, and how busy it is.

1. ``view``: the address of the page, and what it shows as JSON.
2. ``static``: the page itself.
"""
