# Owned by the template: an update may change this file.
"""The database.

1. ``settings``: where it is.
2. ``database``: its transactions.
3. ``sqlite``: how those of SQLite wait for each other.
"""
