"""The extensions, unbound; ``create_app`` binds them to an application."""

from flask_socketio import SocketIO

socketio = SocketIO()
