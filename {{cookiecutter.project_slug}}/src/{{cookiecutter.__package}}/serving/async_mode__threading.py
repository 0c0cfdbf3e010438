# Owned by the template: an update may change this file.
"""How the process serves many clients at once: in threads of the operating system.

Nothing needs to be prepared for that. An asynchronous library would replace parts of the standard
library here, which is why this module is the first import of the command line and of the tests.
"""

from typing import Final

ASYNC_MODE: Final = "threading"
"""What Flask-SocketIO is told to use."""
ADVICE: Final = ""
"""What whoever develops the service should know of this mode; empty where there is nothing."""
