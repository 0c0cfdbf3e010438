# Owned by the template: an update may change this file.
"""The tests of the service."""
