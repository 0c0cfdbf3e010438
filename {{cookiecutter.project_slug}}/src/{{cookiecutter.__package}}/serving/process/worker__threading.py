# Owned by the template: an update may change this file.
"""The worker of gunicorn, which tells the service of its connections."""

from __future__ import annotations

import select
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

# So long a thread waits for the next request of the client that it has just answered, and so many
# requests it answers before others get their turn.
_WAIT_MILLISECONDS = 50
_MOST_IN_A_ROW = 100
# With more threads that wait, they hinder each other: the interpreter lets one of them run.
_MOST_WAITING = 32


class Worker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's own, except for connections that have no request, and for how each goes on.

    Gunicorn gives a connection back after each request: the thread that accepts all others watches
    it, and hands it to some thread again. That costs half of the time of a small GET. Here, the
    thread that has answered stays for a moment, unless the others are all at work.

    Gunicorn waits up to two seconds for a client to close its side, in the thread that accepts all
    others. Here the thread waits that has served the client.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Create the worker."""
        super().__init__(*args, **kwargs)
        # A list can be changed by many threads at once, without a lock.
        self._waiting: list[None] = []

    def handle(self, conn: Any) -> Any:
        """Serve a connection, if its address may have one more."""
        stays: Any = False
        if conn.initialized or self.wsgi.admit(conn.sock, conn.client[0]):
            stays = super().handle(conn)
            for _ in range(_MOST_IN_A_ROW):
                if stays is not True or not self._has_next_request(conn):
                    break
                stays = super().handle(conn)
        if not stays:
            conn.close(graceful=conn.initialized)
            conn.close = _closed
        return stays

    def _has_next_request(self, conn: Any) -> bool:
        """Wait a moment for the next request of a client, if nobody waits for the thread."""
        if conn.parser.unreader.buf.getvalue():
            return True
        if not self.alive or self.tpool._work_queue.qsize() or len(self._waiting) >= _MOST_WAITING:
            return False
        watched = select.poll()
        watched.register(conn.sock, select.POLLIN)
        self._waiting.append(None)
        try:
            return bool(watched.poll(_WAIT_MILLISECONDS))
        finally:
            self._waiting.pop()


def _closed(graceful: bool = False) -> None:
    """Do nothing for a connection that is closed."""
