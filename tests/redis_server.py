"""A Redis server of the tests' own."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from programs import program
from server import eventually


class Redis:
    """A server that can be stopped, started again and made to hang."""

    def __init__(self, port: int) -> None:
        """Start nothing yet."""
        self.port = port
        self.url = f"redis://127.0.0.1:{port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            [program("redis-server"), "--port", str(self.port), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        eventually(self.answers)

    def stop(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait(10)

    def hang(self) -> None:
        """Let it answer nothing, and keep its connections."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self.process.send_signal(signal.SIGCONT)

    def ask(self, *command: str) -> list[str]:
        """Return the lines of what it answers."""
        asking = [str(program("redis-cli")), "-p", str(self.port), *command]
        done = subprocess.run(asking, check=True, capture_output=True, encoding="utf-8")
        return [line for line in done.stdout.splitlines() if line]

    def answers(self) -> bool:
        """Tell whether it does."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


@contextmanager
def redis() -> Iterator[Redis]:
    """Run a server on a free port, and stop it at the end."""
    program("redis-server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        server = Redis(free.getsockname()[1])
    server.start()
    try:
        yield server
    finally:
        server.stop()
