"""python-socketio and FastAPI, for uvicorn: the stack that people leave Flask for."""

from __future__ import annotations

from typing import Any

import socketio
from fastapi import FastAPI
from pydantic import BaseModel


class Reading(BaseModel):
    """What a sensor says."""

    sensor: str
    celsius: float
    count: int


server = socketio.AsyncServer(async_mode="asgi")
api = FastAPI()
app = socketio.ASGIApp(server, api)


@api.get("/bench")
async def index() -> dict[str, str]:
    """Say hello."""
    return {"message": "hello"}


@api.post("/bench/plain")
async def post_plain(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body."""
    return body


@api.post("/bench/model")
async def post_model(reading: Reading) -> Reading:
    """Return the body, which is checked."""
    return reading


@server.on("echo", namespace="/bench")
@server.on("model", namespace="/bench")
async def echo(sid: str, payload: Any) -> Any:
    """Return what was sent."""
    return payload


@server.on("join", namespace="/bench")
async def join(sid: str) -> None:
    """Put the client into the room."""
    await server.enter_room(sid, "all", namespace="/bench")


@server.on("tell", namespace="/bench")
async def tell(sid: str, payload: Any) -> None:
    """Tell everybody in the room."""
    await server.emit("told", payload, room="all", namespace="/bench")
