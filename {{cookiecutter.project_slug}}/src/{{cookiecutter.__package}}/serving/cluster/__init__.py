# Owned by the template: an update may change this file.
"""The other processes of the service: ``broker`` reaches their clients, through Redis."""
