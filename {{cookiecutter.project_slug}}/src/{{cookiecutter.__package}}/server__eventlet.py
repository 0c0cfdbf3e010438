"""Serve the service with eventlet's own WSGI server, in one process."""

from __future__ import annotations

import os
import signal
import socket

import eventlet.wsgi
from eventlet.greenio import GreenPipe
from eventlet.greenpool import GreenPool
from eventlet.patcher import original
from flask import Flask

from .settings import Settings

# Every connection takes a place in the pool, short requests too; without places to spare, nobody
# could ask a full server how it is.
_SPARE_PLACES = 1_000


def serve(listener: socket.socket, app: Flask, settings: Settings) -> None:
    """Serve until the process is told to stop.

    :param listener: the socket to accept connections on.
    :param app: the application.
    :param settings: its settings.
    """
    places = settings.max_connections + _SPARE_PLACES
    server = eventlet.spawn(
        eventlet.wsgi.server,
        listener,
        app,
        custom_pool=GreenPool(places),
        log_output=False,
        # Debugging here would mean to send tracebacks to clients.
        debug=False,
    )
    _wait_for(signal.SIGTERM, signal.SIGINT)
    server.kill()


def _wait_for(*signals: signal.Signals) -> None:
    """Let the green threads run until one of the signals comes."""
    reader, writer = os.pipe()
    write = original("os").write
    for number in signals:
        # A handler runs between any two instructions, so it only leaves word.
        signal.signal(number, lambda *_: write(writer, b"."))
    GreenPipe(reader, "rb", 0).read(1)
