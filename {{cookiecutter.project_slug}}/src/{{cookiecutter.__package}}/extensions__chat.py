"""The extensions; ``create_app`` binds them to an application."""

from __future__ import annotations

from flask_socketio import SocketIO

from .models import Base
from .serving.database.database import Database

socketio = SocketIO()
db = Database(Base.metadata)
