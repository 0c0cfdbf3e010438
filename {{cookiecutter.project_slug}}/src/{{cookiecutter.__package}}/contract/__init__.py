# Owned by the template: an update may change this file.
"""What the views promise, as data.

1. ``catalog``: every route and every event, and where its method is written.
"""
