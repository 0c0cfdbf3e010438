"""What the tests share. A fixture that several of them need has its place here."""

# Everything that is imported afterwards must find the standard library as this module leaves it.
from {{ cookiecutter.__package }}.serving import async_mode  # noqa: F401

# isort: split

from .support.fixtures import (  # noqa: F401
    app,
    client,
    connect,
    environment,
    refused,
    sent,
    server,
    settings,
)
