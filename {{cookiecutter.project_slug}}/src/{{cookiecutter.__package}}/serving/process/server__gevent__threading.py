# Owned by the template: an update may change this file.
"""Serve the service with gunicorn, in one worker process."""

from __future__ import annotations

import math
import os
import signal
import socket
import sys
from types import FrameType
from typing import Any

from ..async_mode import native
from ..connections.limits import SPARE_PLACES
from ..requests.pending import PendingRequests
from ..service import Service
from . import background
from .log_writer import PAUSE


def serve(listener: socket.socket, service: Service) -> None:
    """Serve until the process is told to stop.

    :param listener: the socket to accept connections on.
    :param service: the application, with what stands around it.
    """
    if sys.platform == "win32":
        background.start(service)
        _serve_without_gunicorn(listener, service)
        return

    try:
        from gunicorn.app.base import BaseApplication
    except ModuleNotFoundError:
        sys.exit("gunicorn is not installed. Install what the service needs: uv sync")

    class Server(BaseApplication):  # type: ignore[misc]
        """Gunicorn, with its options from here instead of from a command line."""

        def load_config(self) -> None:
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> PendingRequests:
            return pending

    def start_work(worker: Any) -> None:
        # Gunicorn asks for some thirty of its settings in each request, and looks each of them up
        # in two steps of Python: a small GET takes 10 % less time where they are attributes.
        vars(worker.cfg).update({name: one.get() for name, one in worker.cfg.settings.items()})
        background.start(service)
        service.socketio.start_background_task(pending.sweep_forever, service.socketio.sleep)
        _drain_before_stopping(worker, service)

    settings = service.settings
    pending = PendingRequests(service.app, settings)
    places = settings.max_connections + SPARE_PLACES
    options: dict[str, Any] = {
        "bind": f"fd://{listener.detach()}",
        # Gunicorn cannot send a client to the worker that knows it, so there is one. More processes
        # are more instances behind a proxy.
        "workers": 1,
        "worker_class": f"{__package__}.worker.Worker",
        "threads": places,
        # What is above the threads is for idle connections that may be used again.
        "worker_connections": 2 * places,
        # The worker ends by itself before; this is for one that does not.
        "graceful_timeout": math.ceil(settings.drain_seconds) + 2,
        "when_ready": _end_at_once_if_told_twice,
        "post_worker_init": start_work,
        # Whom to believe what is TRUSTED_PROXIES' to say, and not gunicorn's.
        "forwarded_allow_ips": "",
        "control_socket_disable": True,
        "loglevel": "warning",
    }
    Server().run()


def _end_at_once_if_told_twice(arbiter: Any) -> None:
    """Make a second signal end the process and its worker at once."""

    def end(*_: Any) -> None:
        # Until the worker has written what it has logged.
        native("time", "sleep")(2 * PAUSE)
        arbiter.kill_workers(signal.SIGKILL)
        os._exit(1)

    def stop(number: int, frame: FrameType | None) -> None:
        for again in (signal.SIGTERM, signal.SIGINT):
            signal.signal(again, end)
        arbiter.signal(number, frame)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _drain_before_stopping(worker: Any, service: Service) -> None:
    """Make the worker drain when it is told to stop, before it stops."""
    stop = signal.getsignal(signal.SIGTERM)

    def finish(number: int, frame: FrameType | None) -> None:
        (listener,) = worker.sockets
        service.drain.finish(service.settings.drain_seconds, listener)
        stop(number, frame)  # type: ignore[operator,misc]

    def in_the_background(number: int, frame: FrameType | None) -> None:
        # A handler runs between any two instructions, and must not wait.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        service.socketio.start_background_task(finish, number, frame)

    signal.signal(signal.SIGTERM, in_the_background)
    # A terminal sends Ctrl+C to every process; gunicorn tells the worker itself when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _serve_without_gunicorn(listener: socket.socket, service: Service) -> None:
    """Serve on Windows, where gunicorn does not run, with the server that the library brings."""
    host, port = listener.getsockname()[:2]
    listener.close()
    print("Gunicorn does not run on Windows: this server is for development only.", file=sys.stderr)
    service.socketio.run(service.app, host, port, use_reloader=False, allow_unsafe_werkzeug=True)
