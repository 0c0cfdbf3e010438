"""A test that nothing fails but the end of its fixture; only `test_helpers` runs it."""

from contract_service.extensions import socketio

from .conftest import wait_until


def test_nobody_asks_what_has_arrived(connect) -> None:
    client = connect("/echo")
    socketio.emit("cried", "wolf", namespace="/echo")
    wait_until(lambda: client._arrived)
