"""Bare Flask and Flask-SocketIO: what a service is compared with.

`python bare.py PORT` serves with eventlet, as `socketio.run` does; in the other modes, gunicorn
serves `bare:app`. ASYNC_MODE names the mode; with ACCESS_LOG, eventlet's server writes one.
"""

from __future__ import annotations

import os
import sys
from typing import Any

MODE = os.environ["ASYNC_MODE"]
if MODE == "eventlet":
    import eventlet

    eventlet.monkey_patch()

from flask import Flask, request  # noqa: E402
from flask_socketio import SocketIO, emit, join_room  # noqa: E402

app = Flask("bare")
# As any application has one: without it, no request opens a session.
app.secret_key = "bench"  # noqa: S105
socketio = SocketIO(app, async_mode=MODE)


@app.get("/bench")
def index() -> dict[str, str]:
    """Say hello."""
    return {"message": "hello"}


@app.post("/bench/plain")
@app.post("/bench/model")
def post() -> Any:
    """Return the body."""
    return request.get_json()


@socketio.on("echo", namespace="/bench")
@socketio.on("model", namespace="/bench")
def echo(payload: Any) -> Any:
    """Return what was sent."""
    return payload


@socketio.on("join", namespace="/bench")
def join() -> None:
    """Put the client into the room."""
    join_room("all")


@socketio.on("tell", namespace="/bench")
def tell(payload: Any) -> None:
    """Tell everybody in the room."""
    emit("told", payload, to="all")


def serve(port: int) -> None:
    """Serve as `socketio.run` does, except that no small packet waits for a delayed ACK."""
    import socket

    import eventlet.wsgi

    listener = eventlet.listen(("127.0.0.1", port), backlog=4096)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    log = "ACCESS_LOG" in os.environ
    eventlet.wsgi.server(listener, app, max_size=6000, log_output=log)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
