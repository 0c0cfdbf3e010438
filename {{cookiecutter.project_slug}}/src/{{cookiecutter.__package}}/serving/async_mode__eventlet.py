# Owned by the template: an update may change this file.
"""Make the standard library cooperative, before anything else is imported.

One process serves all its clients by turns, in eventlet's green threads. A call that waits lets the
others go on only if it was replaced, and a name that was bound earlier stays as it was: so this
module is the first import of the command line and of the tests, and nothing stands before it.
"""

import os
import socket
import sys
import warnings
from functools import partial
from typing import Any, Final

from .process.placeholders import placeholders

if "flask" in sys.modules:
    sys.exit(
        "Flask was imported before eventlet could prepare the process for it. "
        f"Start the service with its own command: python -m {__package__.partition('.')[0]} run"
    )

# Host names are looked up by the system then, which knows search domains and the like; eventlet's
# own resolver does not, and takes its time to load. Eventlet reads this when it is imported.
os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")
{%- if cookiecutter.starter == "chat" %}
# The driver of PostgreSQL waits with a function of the standard library then, which eventlet
# replaces, and not with one of its own in C. It reads this when it is imported.
os.environ.setdefault("PSYCOPG_WAIT_FUNC", "wait_selector")
{%- endif %}

try:
    # Eventlet itself uses asyncio only with a hub on it, and asyncio takes as long to import.
    with warnings.catch_warnings(), placeholders("asyncio"):
        # Said in a sentence at `run`, and not by every command and every test.
        warnings.filterwarnings("ignore", r"\s*Eventlet is deprecated")
        import eventlet
    from eventlet import tpool
    from eventlet.green import socket as green_socket
    from eventlet.patcher import original
except ModuleNotFoundError:
    sys.exit("eventlet is not installed. Install what the service needs: uv sync")

eventlet.monkey_patch()

# The system looks them up in C, which nothing replaces: in a thread, it holds nobody else up.
for _name in ("getaddrinfo", "getnameinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr"):
    _look_up = partial(tpool.execute, getattr(socket, _name))
    setattr(socket, _name, _look_up)
    setattr(green_socket, _name, _look_up)

ASYNC_MODE: Final = "eventlet"
"""What Flask-SocketIO is told to use."""
ADVICE: Final = (
    "Eventlet gets bug fixes only. README.md, “Leaving eventlet”, names the two ways out."
)
"""What whoever develops the service should know of this mode; empty where there is nothing."""


def balance(busy: int) -> None:
    """Do nothing, whatever there is to do: green threads give way by themselves, when they wait.

    :param busy: how many clients have just sent something.
    """


def native(module: str, name: str) -> Any:
    """Return a function as it was before eventlet replaced it.

    :param module: the module of the standard library.
    :param name: the name of the function in it.
    """
    return getattr(original(module), name)
