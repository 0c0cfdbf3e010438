"""The extensions; ``create_app`` binds them to an application."""

from __future__ import annotations

from flask_socketio import SocketIO

socketio = SocketIO()
