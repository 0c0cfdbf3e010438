"""That nobody has to wait while one waits."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from server import Server

# Longer than that is a service that stands still, in seconds.
AT_ONCE = 0.5


@contextmanager
def others_are_answered(server: Server, path: str = "/health/live") -> Iterator[None]:
    """Ask a service again and again as long as the block runs, and assert that it answers at once.

    :param server: the service.
    :param path: what is asked for.
    """
    waits: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(0.05):
            begin = time.monotonic()
            answered = server.get(path)
            waits.append(time.monotonic() - begin if answered else float("inf"))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        stop.set()
        asking.join(60)
    assert len(waits) > 10
    assert max(waits) < AT_ONCE
