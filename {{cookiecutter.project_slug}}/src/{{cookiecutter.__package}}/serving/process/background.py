# Owned by the template: an update may change this file.
"""Background tasks of a process that serves."""

from __future__ import annotations

import faulthandler
import logging
import time
from collections.abc import Callable
from typing import Any

from ..service import Service
from .logs import write_in_background

logger = logging.getLogger(__name__)

# Seconds between two beats, and how late a beat is when the process was blocked.
_BEAT = 0.25
_STALL = 0.5


def start(service: Service) -> None:
    """Start the background tasks.

    :param service: the service that starts serving.
    """
    write_in_background()
    server, limits = service.socketio.server, service.limits
    if service.settings.message_queue_url:
        server.manager.check()
        state = "does not answer yet" if server.manager.trouble else "connected"
        logger.info("Broker %s: %s", server.manager.address, state)
        server.start_background_task(server.manager.watch)
        server.manager.roster.keep()
        server.start_background_task(limits.share, server.manager.add)
    if not server.manager_initialized:
        # By default, it would listen to other processes only from its first client on.
        server.manager_initialized = True
        server.manager.initialize()
    server.start_background_task(limits.sweep_forever)
    if service.app.debug:
        server.start_background_task(_report_stalls, server.sleep)


def _report_stalls(sleep: Callable[[float], Any]) -> None:
    """Tell what holds the whole process up: a call that blocks, or computes for too long."""
    while True:
        # Unless the next beat comes in time, this writes what every thread is doing.
        faulthandler.dump_traceback_later(_BEAT + _STALL)
        asleep = time.monotonic()
        sleep(_BEAT)
        late = time.monotonic() - asleep - _BEAT
        if late > _STALL:
            logger.warning(
                "Nothing moved for %.1f seconds, for no client. The lines above say where.", late
            )
