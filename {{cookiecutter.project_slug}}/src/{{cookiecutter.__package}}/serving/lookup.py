# Owned by the template: an update may change this file.
"""Host name resolution with a deadline, which blocks only those who need the result."""

from __future__ import annotations

import ipaddress
import socket
import threading
from concurrent.futures import Future

# How long somebody waits for an answer, in seconds. The system may take several times as long, to
# ask one name server after the other; whoever comes again meanwhile waits for the same answer.
_PATIENCE = 3.0

_running: dict[str, Future[list[str]]] = {}
_lock = threading.Lock()


def addresses(host: str) -> list[str]:
    """Return the addresses of a host, in the order in which to try them.

    :param host: a name, or an address already.
    :raises OSError: it has none, or no answer came in time.
    """
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    with _lock:
        answer = _running.get(host)
        if answer is None:
            answer = _running[host] = Future()
            threading.Thread(target=_look_up, args=(host, answer), daemon=True).start()
    try:
        return answer.result(_PATIENCE)
    except TimeoutError:
        raise OSError(f"No name server said in time where {host} is") from None


def _look_up(host: str, answer: Future[list[str]]) -> None:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        answer.set_exception(OSError(f"No name server knows where {host} is: {error}"))
    else:
        answer.set_result(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
    finally:
        with _lock:
            del _running[host]
