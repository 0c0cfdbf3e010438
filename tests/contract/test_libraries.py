"""Libraries: what the service uses of them beyond their documentation is still there."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

import pytest
from contract_service.extensions import socketio
from contract_service.serving.async_mode import ASYNC_MODE
from contract_service.serving.service import service_of
from flask import Flask

# By library: the module of the service that uses it, and what it uses. A name that begins with a
# dot belongs to an object that the running service has.
USED: dict[str, tuple[str, str]] = {
    "python-engineio": (
        "engine.py, connection.py, quick/connection.py",
        """
        engineio.Server._handle_connect engineio.Server._ok engineio.Server._service_task
        engineio.Server._trigger_event engineio.Server.generate_id engineio.Server.handle_request
        engineio.Server.reason.CLIENT_DISCONNECT engineio.Server.reason.TRANSPORT_CLOSE
        engineio.socket.Socket._upgrade_websocket engineio.socket.Socket.check_ping_timeout
        engineio.socket.Socket.close engineio.socket.Socket.handle_get_request
        engineio.socket.Socket.handle_post_request engineio.socket.Socket.poll
        engineio.socket.Socket.schedule_ping engineio.socket.Socket.send
        .engine.sockets .engine.start_service_task .engine.ping_interval .engine.ping_timeout
        .engine.max_http_buffer_size .engine.transports .connection.queue .connection.connected
        .connection.upgrading .connection.upgraded .connection.closed .connection.last_ping
        """,
    ),
    "python-socketio": (
        "protocol.py, clients.py, broker.py",
        """
        socketio.Server._handle_ack socketio.Server._handle_connect socketio.Server._handle_event
        socketio.Server._handle_disconnect socketio.Server._send_packet
        socketio.packet.Packet.decode socketio.Manager.sid_from_eio_sid
        socketio.Manager.eio_sid_from_sid socketio.PubSubManager._publish
        socketio.PubSubManager._listen socketio.PubSubManager._handle_disconnect
        .server.manager.callbacks .server.handlers .server.manager_initialized
        """,
    ),
    "flask-socketio": ("layers.py", ".socketio.server .socketio.server_options"),
    "flask": (
        "quick/context.py, quick/requests.py",
        """
        flask.globals._cv_app flask.globals._cv_request flask.ctx.AppContext.pop
        flask.ctx.RequestContext.match_request flask.ctx.RequestContext.pop
        flask.ctx.RequestContext.push flask.Flask.create_url_adapter flask.Flask.dispatch_request
        flask.Flask.do_teardown_appcontext flask.Flask.do_teardown_request flask.Flask.ensure_sync
        flask.Flask.handle_exception flask.Flask.handle_user_exception flask.Flask.make_response
        flask.Flask.preprocess_request flask.Flask.process_response flask.Flask.should_ignore_error
        """,
    ),
}
OF_MODE = {
    "eventlet": {
        "eventlet": (
            "async_mode.py, server.py, worker.py, upgrade.py",
            """
            eventlet.wsgi.WSGI_LOCAL eventlet.wsgi.HttpProtocol.handle eventlet.patcher.original
            eventlet.wsgi.Input.get_socket eventlet.greenio.GreenSocket.recv
            eventlet.hubs.hub.BaseHub.add eventlet.hubs.hub.BaseHub.remove
            eventlet.hubs.hub.BaseHub.switch
            """,
        )
    },
    "gevent": {
        "gevent": ("upgrade.py", "gevent.socket.socket._wait gevent.socket.socket._read_event"),
        "gunicorn": ("worker.py", "gunicorn.workers.ggevent.GeventWorker.handle"),
    },
    "threading": {
        "gunicorn": (
            "worker.py",
            """
            gunicorn.workers.gthread.ThreadWorker.handle gunicorn.workers.gthread.TConn.init
            gunicorn.http.unreader.Unreader.chunk
            """,
        )
    },
}
CASES = [
    (library, module, name)
    for library, (module, names) in (USED | OF_MODE[ASYNC_MODE]).items()
    for name in names.split()
]


@pytest.mark.parametrize(("library", "module", "name"), CASES, ids=[case[2] for case in CASES])
def test_a_library_has_what_is_used_of_it(app: Flask, library: str, module: str, name: str) -> None:
    assert has(app, name), f"{library} {version(library)} has no {name}, which {module} uses"


def test_a_name_that_is_not_there_is_noticed(app: Flask) -> None:
    assert not has(app, "engineio.Server._no_such_name")
    assert not has(app, ".connection.no_such_name")


def has(app: Flask, name: str) -> bool:
    first, *steps = name.removeprefix(".").split(".")
    found: Any = live(app)[first] if name.startswith(".") else import_module(first)
    for number, step in enumerate(steps):
        if not hasattr(found, step):
            try:
                import_module(".".join([first, *steps[: number + 1]]))
            except ImportError:
                return False
        found = getattr(found, step)
    return True


def live(app: Flask) -> dict[str, Any]:
    app.test_client().get("/socket.io/?EIO=4&transport=polling")
    return {
        "socketio": socketio,
        "server": socketio.server,
        "engine": socketio.server.eio,
        "connection": service_of(app).limits.connections()[0],
    }
