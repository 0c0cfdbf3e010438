"""A network between a service and a server, which the tests can cut."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Forwarder:
    """Passes on what is sent to a port of its own, and holds it while the network is cut."""

    def __init__(self, target: int) -> None:
        """Pass on nothing yet.

        :param target: the port of the server.
        """
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self._target = target
        self._passes = threading.Event()
        self._passes.set()
        self._open: list[socket.socket] = []

    def cut(self) -> None:
        """Let nothing pass, in neither direction; nobody is told."""
        self._passes.clear()

    def mend(self) -> None:
        """Let everything pass, also what was sent meanwhile."""
        self._passes.set()

    def serve(self) -> None:
        """Take connections, until the listener is closed."""
        with suppress(OSError):
            while True:
                source, _ = self.listener.accept()
                threading.Thread(target=self._connect, args=(source,), daemon=True).start()

    def close(self) -> None:
        """End everything."""
        self.listener.close()
        for one in self._open:
            one.close()
        self._passes.set()

    def _connect(self, source: socket.socket) -> None:
        self._passes.wait()
        self._open.append(source)
        with suppress(OSError):
            sink = socket.create_connection(("127.0.0.1", self._target))
            self._open.append(sink)
            threading.Thread(target=self._pump, args=(sink, source), daemon=True).start()
            self._pump(source, sink)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._passes.wait()
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def forwarding(target: int) -> Iterator[Forwarder]:
    """Run a forwarder to a port, and end it."""
    forwarder = Forwarder(target)
    threading.Thread(target=forwarder.serve, daemon=True).start()
    try:
        yield forwarder
    finally:
        forwarder.close()
