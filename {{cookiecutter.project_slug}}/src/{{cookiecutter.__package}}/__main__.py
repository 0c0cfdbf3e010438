# Owned by the template: an update may change this file.
"""The command line of the service, also as ``python -m`` with the name of this package."""

# Everything that is imported afterwards must find the standard library as this module leaves it.
from .serving import async_mode  # noqa: F401, I001
from .serving.process import libraries

from .app import create_app
from .serving.cli import command_line
from .settings import Settings

cli = command_line(create_app, Settings)
libraries.complete()


def main() -> None:
    """Run the command that the arguments of the process name."""
    cli()


if __name__ == "__main__":
    main()
