"""The way of the database from one version of ``models.py`` to the next: a file for each step."""
