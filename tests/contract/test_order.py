"""Order: the events of one client, one after the other; other clients do not wait."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView

HANDLED: list[int] = []


class OrderView(FlaskView):
    def socket_number(self, number: int) -> None:
        if number % 100 == 0:
            socketio.sleep(0.01)
        HANDLED.append(number)

    def socket_slow(self) -> None:
        socketio.sleep(2)

    def socket_quick(self) -> str:
        return "quick"


@pytest.fixture
def views() -> list[type[FlaskView]]:
    HANDLED.clear()
    return [OrderView]


@pytest.mark.parametrize("transports", [["websocket"], ["polling"]])
def test_a_thousand_events_of_one_client_are_handled_in_order(connect, transports: Any) -> None:
    order = connect("/order", transports=transports)
    for number in range(1000):
        order.emit("number", number)
    order.call("quick", timeout=20)
    assert list(range(1000)) == HANDLED


def test_a_slow_handler_holds_up_its_own_client_alone(connect) -> None:
    slow, quick = connect("/order"), connect("/order")
    # Those of the tests before are there for a while.
    threads = threading.active_count()
    started = time.monotonic()
    slow.emit("slow")
    assert quick.call("quick") == "quick"
    assert time.monotonic() - started < 1.5
    assert threading.active_count() < threads + 10
