# Owned by the template: an update may change this file.
"""How the process serves many clients at once: in threads of the operating system.

Nothing needs to be prepared for that. An asynchronous library would replace parts of the standard
library here, which is why this module is the first import of the command line and of the tests.
"""

from importlib import import_module
from typing import Any, Final

ASYNC_MODE: Final = "threading"
"""What Flask-SocketIO is told to use."""
ADVICE: Final = ""
"""What whoever develops the service should know of this mode; empty where there is nothing."""


def native(module: str, name: str) -> Any:
    """Return a function of the system; an asynchronous library would have replaced it.

    :param module: the module of the standard library.
    :param name: the name of the function in it.
    """
    return getattr(import_module(module), name)
