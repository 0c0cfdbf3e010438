"""Processes: a command and a service reach the same clients, when a broker joins them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import socketio as socketio_client
from contract_service.app import create_app
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView
from contract_service.serving.cluster.broker import RedisManager
from contract_service.serving.settings import SettingsError
from contract_service.settings import Settings
from flask_socketio import join_room

from .conftest import sid_of, wait_until

# What a command of a service does, in a process of its own.
COMMAND = """
from contract_service.serving import async_mode
import sys
from contract_service.app import create_app
from contract_service.extensions import socketio
from tests.contract.test_processes import HallView
app = create_app(serves_clients=False)
HallView.register(app, socket=socketio)
with app.app_context():
    way, *arguments = sys.argv[1:]
    options = {"to": arguments.pop()} if way == "emit" else {}
    getattr(HallView.registered(), way)(*arguments, **options)
"""


class HallView(FlaskView):
    def socket_join(self, room):
        join_room(room)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [HallView]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    program = shutil.which("redis-server")
    if not program:
        pytest.skip("redis-server is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(port))
        monkeypatch.setenv("MESSAGE_QUEUE_URL", f"redis://127.0.0.1:{port}")
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def settings(broker: None) -> Settings:
    return Settings.load()


def test_a_command_emits_to_a_room_and_to_everyone(connect) -> None:
    inside, outside = connect("/hall"), connect("/hall")
    inside.call("join", "red")
    assert command("emit", "news", "for red", "red").returncode == 0
    assert inside.expect("news") == "for red"
    assert command("broadcast", "news", "for all").returncode == 0
    assert inside.expect("news") == outside.expect("news") == "for all"


@pytest.mark.parametrize(("way", "returns"), [("kick", False), ("drop", True)])
def test_a_command_kicks_for_good_and_drops_for_a_moment(server, way, returns) -> None:
    sids: list[str] = []
    client = socketio_client.Client(reconnection_delay=0.1, handle_sigint=False)
    client.on("connect", lambda: sids.append(client.get_sid("/hall")), namespace="/hall")
    client.connect(server, namespaces=["/hall"], transports=["websocket"])
    try:
        assert command(way, sids[0]).returncode == 0
        wait_until(lambda: len(sids) == 2 if returns else not client.connected)
    finally:
        client.shutdown()


def test_a_service_emits_to_its_own_clients_with_a_broker_too(app, connect) -> None:
    hall = connect("/hall")
    with app.app_context():
        HallView.registered().emit("news", {"n": 1}, to=sid_of(hall))
        HallView.registered().broadcast("news", b"bytes")
    assert hall.expect("news") == {"n": 1}
    assert hall.expect("news") == b"bytes"


def manager() -> RedisManager:
    return RedisManager(os.environ["MESSAGE_QUEUE_URL"], grace=5, serves_clients=True)


def test_what_is_let_in_is_counted_in_all_processes_and_in_all_windows_or_none(broker) -> None:
    here, there = (manager().windows for _ in "12")
    both = [("short", 2, 60), ("long", 3, 100)]
    assert [windows.take(both) for windows in (here, there)] == [0, 0]
    assert [59 < windows.take(both) <= 60 for windows in (here, there)] == [True, True]
    assert here.take([("long", 3, 100)]) == 0
    assert 99 < there.take([("long", 3, 100)]) <= 100


def test_a_broker_that_cannot_count_is_no_trouble_for_events(broker, caplog) -> None:
    full = manager()
    full._redis.config_set("maxmemory", 1)
    assert [full.windows.take([("one", 1, 60)]) > 0 for _ in range(2)] == [False, True]
    assert not full.trouble
    assert caplog.text.count("refuses what it is asked: ") == 1


def test_without_a_broker_a_command_says_that_it_reaches_nobody(monkeypatch) -> None:
    monkeypatch.delenv("MESSAGE_QUEUE_URL", raising=False)
    app = create_app(Settings.load(), serves_clients=False)
    HallView.register(app, socket=socketio)
    with app.app_context():
        hall = HallView.registered()
        for way in (lambda: hall.broadcast("x"), lambda: hall.kick("y"), lambda: hall.drop("z")):
            with pytest.raises(RuntimeError, match="MESSAGE_QUEUE_URL"):
                way()


@pytest.mark.parametrize(
    "url",
    [
        "amqp://ada:lovelace@host",
        "kafka://host:9092",
        "zmq+tcp://host:5555",
        "unix:///run/redis.sock",
        "redis:/host",
        "host:6379",
    ],
)
def test_a_broker_that_is_not_redis_stops_the_start(monkeypatch, url) -> None:
    monkeypatch.setenv("MESSAGE_QUEUE_URL", url)
    with pytest.raises(SettingsError, match=r"must be the URL of a Redis server.* redis://") as why:
        create_app(Settings.load())
    shown = url.replace("ada:lovelace", "***") if "://" in url else "***"
    assert str(why.value).startswith(f"MESSAGE_QUEUE_URL='{shown}'")


def test_counters_are_shared_through_the_broker(app, monkeypatch) -> None:
    one, two = socketio.server.manager, create_app(Settings.load()) and socketio.server.manager
    assert one is not two
    assert one.add({"user:ada": 3}, 60) == {"user:ada": 3}
    assert two.add({"user:ada": 4, "address:x": 1}, 60) == {"user:ada": 7, "address:x": 1}
    monkeypatch.setattr(two, "trouble", "It is away.")
    assert two.add({"user:ada": 1}, 60) == {}
