"""The service: see ``app.create_app`` for how it is put together."""
