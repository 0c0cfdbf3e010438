# Owned by the template: an update may change this file.
"""Serve the service with eventlet's own WSGI server, in one process."""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

import eventlet.wsgi
from eventlet.greenio import GreenPipe
from eventlet.greenpool import GreenPool

from ..async_mode import native
from ..connections.limits import SPARE_PLACES
from ..requests.pending import PendingRequests
from ..service import Service
from . import background, logs
from .worker import Worker


def serve(listener: socket.socket, service: Service) -> None:
    """Serve until the process is told to stop.

    :param listener: the socket to accept connections on.
    :param service: the application, with what stands around it.
    """
    settings = service.settings
    pending = PendingRequests(service.app, settings)
    places = settings.max_connections + SPARE_PLACES
    server = eventlet.spawn(
        eventlet.wsgi.server,
        listener,
        pending,
        protocol=Worker,
        custom_pool=GreenPool(places),
        log_output=False,
        # Debugging here would mean to send tracebacks to clients.
        debug=False,
    )
    eventlet.spawn(pending.sweep_forever, eventlet.sleep)
    background.start(service)
    if _next_signal() == signal.SIGTERM:
        service.drain.finish(settings.drain_seconds, listener)
    server.kill()


def _next_signal() -> int:
    """Wait for a signal to stop, while the green threads run; a second signal ends the process."""
    reader, writer = os.pipe()
    write = native("os", "write")

    def end(*_: Any) -> None:
        logs.write_what_waits()
        os._exit(1)

    def leave_word(number: int, _: object) -> None:
        # A handler runs between any two instructions, so nothing else can be done in it.
        write(writer, bytes([number]))
        for again in (signal.SIGTERM, signal.SIGINT):
            signal.signal(again, end)

    signal.signal(signal.SIGTERM, leave_word)
    signal.signal(signal.SIGINT, leave_word)
    word: bytes = GreenPipe(reader, "rb", 0).read(1)
    return word[0]
