# Owned by the template: an update may change this file.
"""Make the standard library cooperative, before anything else is imported.

One process serves all its clients by turns, in gevent's greenlets. A call that waits lets the
others go on only if it was replaced, and a name that was bound earlier stays as it was: so this
module is the first import of the command line and of the tests, and nothing stands before it.
"""

import sys
from importlib import metadata
from typing import Final

if "flask" in sys.modules:
    sys.exit(
        "Flask was imported before gevent could prepare the process for it. "
        f"Start the service with its own command: python -m {__package__.partition('.')[0]} run"
    )

try:
    from gevent import monkey
except ModuleNotFoundError:
    sys.exit("gevent is not installed. Install what the service needs: uv sync")

# Gevent asks for its plugins 25 times, and each time all that is installed would be looked through:
# a tenth of the start. What is there does not change meanwhile.
_entry_points = metadata.entry_points
metadata.entry_points = _entry_points().select
try:
    monkey.patch_all()
finally:
    metadata.entry_points = _entry_points

native: Final = monkey.get_original
"""Returns a function as it was before: ``native("time", "sleep")``."""

ASYNC_MODE: Final = "gevent"
"""What Flask-SocketIO is told to use."""
ADVICE: Final = ""
"""What whoever develops the service should know of this mode; empty where there is nothing."""


def balance(busy: int) -> None:
    """Do nothing, whatever there is to do: greenlets give way by themselves, when they wait.

    :param busy: how many clients have just sent something.
    """
