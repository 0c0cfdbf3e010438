"""Pings and writing: who does not answer goes, and what is sent arrives whole and in order."""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import pytest
from contract_service.flask_view import FlaskView
from contract_service.serving.service import service_of
from contract_service.settings import Settings
from flask import Flask, request

from .conftest import IS_QUICK, wait_until
from .raw import PONG, TEXT, Poller, Wire, event

LEFT: list[str] = []
INTERVAL, TIMEOUT = 0.3, 0.4


class BeatView(FlaskView):
    def socket_connect(self, auth: Any) -> None:
        if auth == "slow":
            SLOW.append(request.sid)  # type: ignore[attr-defined]

    def socket_disconnect(self, reason: str) -> None:
        LEFT.append(reason)
        if request.sid in SLOW:  # type: ignore[attr-defined]
            time.sleep(2)

    def socket_burst(self, count: int) -> int:
        for number in range(count):
            self.emit("number", number, to=request.sid)  # type: ignore[attr-defined]
        return count

    def socket_leave(self) -> None:
        self.drop(request.sid)  # type: ignore[attr-defined]
        self.emit("late", to=request.sid)  # type: ignore[attr-defined]


SLOW: list[str] = []


@pytest.fixture
def views() -> list[type[FlaskView]]:
    LEFT.clear()
    SLOW.clear()
    return [BeatView]


@pytest.fixture
def settings() -> Settings:
    return Settings.load().model_copy(update={"ping_interval": INTERVAL, "ping_timeout": TIMEOUT})


def test_a_client_that_answers_stays_and_one_that_does_not_is_ended(server, app) -> None:
    with Wire(server) as wire:
        wire.join("/beat")
        for _ in range(3):
            assert wire.until("2") == "2"
            wire.text("3")
        assert not LEFT
        wire.until("2")
        wire.rest()
    wait_until(lambda: LEFT)
    # On the path of the libraries, the time-out of the socket may be first.
    assert LEFT == ["ping timeout"] or not IS_QUICK
    wait_until(lambda: not service_of(app).limits.connections())


def test_a_client_that_polls_is_pinged_and_ended_too(server, app) -> None:
    with Poller(server) as poller:
        poller.join("/beat")
        while "2" not in poller.get():
            pass
        poller.post("3")
        assert "2" in poller.get()
        wait_until(lambda: not service_of(app).limits.connections())
    assert LEFT == ["ping timeout"]


def test_a_view_that_takes_its_time_at_the_end_delays_no_pings(server) -> None:
    with Wire(server) as silent, Wire(server) as wire:
        silent.join("/beat", "slow")
        wire.join("/beat")
        began = time.monotonic()
        while not LEFT:
            wire.until("2")
            wire.text("3")
        for _ in range(3):
            wire.until("2")
            wire.text("3")
        assert time.monotonic() - began < INTERVAL + TIMEOUT + 2


@pytest.mark.skipif(not IS_QUICK, reason="the libraries' task for pings ends after the interval")
def test_a_connection_that_has_ended_is_forgotten(server, app: Flask) -> None:
    with Wire(server) as wire:
        wire.join("/beat")
        (connection,) = service_of(app).limits.connections()
        known = weakref.ref(connection)
        pings = connection.server.pings
    del connection
    wait_until(lambda: not pings._to_ping and not pings._to_answer)
    wait_until(lambda: gc.collect() is not None and known() is None)


def test_much_arrives_in_order_although_nobody_reads_for_a_while(server) -> None:
    with Wire(server, buffer=4_096) as wire:
        wire.join("/beat")
        wire.text(event("/beat", 1, "burst", 3_000), event("/beat", 2, "burst", 10))
        time.sleep(INTERVAL / 2)
        packets = []
        while len(packets) < 3_012:
            kind, payload = wire.frame()
            assert kind in (TEXT, PONG)
            if payload == b"2":
                wire.text("3")
            else:
                packets.append(payload.decode())
    numbers = [f'42/beat,["number",{number}]' for number in range(3_000)]
    assert packets[:3_001] == [*numbers, "43/beat,1[3000]"]
    assert packets[-1] == "43/beat,2[10]"


def test_who_has_left_gets_nothing_and_that_is_no_warning(connect, caplog) -> None:
    client = connect("/beat")
    client.emit("leave")
    wait_until(lambda: LEFT)
    assert "Cannot send" not in caplog.text
