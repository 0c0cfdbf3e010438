# Owned by the template: an update may change this file.
"""The command line of the service, also as ``python -m`` with the name of this package."""

# Everything that is imported afterwards must find the standard library as this module leaves it.
from . import async_mode  # noqa: F401, I001

from .cli import cli


def main() -> None:
    """Run the command that the arguments of the process name."""
    cli()


if __name__ == "__main__":
    main()
