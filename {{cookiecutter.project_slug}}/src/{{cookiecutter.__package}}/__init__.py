# Owned by the template: an update may change this file.
"""The service: see ``app.create_app`` for how it is put together."""
