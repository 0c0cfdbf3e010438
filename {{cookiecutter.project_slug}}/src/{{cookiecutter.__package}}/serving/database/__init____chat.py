# Owned by the template: an update may change this file.
"""The database.

1. ``settings``: where it is.
2. ``database``: its transactions.
3. ``sqlite``, ``postgresql``: how it is reached, and what they need so that nobody else waits.
4. ``revisions``: whether it is up to date, and ``migrations``: how it is brought there.
"""
