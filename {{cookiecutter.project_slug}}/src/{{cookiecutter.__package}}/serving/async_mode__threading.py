# Owned by the template: an update may change this file.
"""How the process serves many clients at once: in threads of the operating system.

Nothing needs to be prepared for that. An asynchronous library would replace parts of the standard
library here, which is why this module is the first import of the command line and of the tests.
"""

import sys
from importlib import import_module
from typing import Any, Final

ASYNC_MODE: Final = "threading"
"""What Flask-SocketIO is told to use."""
ADVICE: Final = ""
"""What whoever develops the service should know of this mode; empty where there is nothing."""


def balance(busy: int) -> None:
    """Let a thread run for longer before others take over, the more of them there are.

    Each thread that waits for its turn asks for it again after this time. With 500 busy clients,
    Python's own 5 ms let the process do little else: 4,200 to 6,300 events a second, and 6,900 to
    18,100 with 20 ms.

    :param busy: how many clients have just sent something.
    """
    sys.setswitchinterval(min(max(0.005, busy * 0.000_04), 0.05))


def native(module: str, name: str) -> Any:
    """Return a function of the system; an asynchronous library would have replaced it.

    :param module: the module of the standard library.
    :param name: the name of the function in it.
    """
    return getattr(import_module(module), name)
