"""The servers that `peers.py` compares: made in a folder, started, and stopped."""

from __future__ import annotations

import hashlib
import os
import pty
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path

import uv

ROOT = Path(__file__).resolve().parent.parent
SERVERS = Path(__file__).resolve().parent / "servers"
UV = uv.find_uv_bin()
MODES = ("eventlet", "gevent", "threading")
LOGS = ("pipe", "file", "terminal")
BARE = {
    "eventlet": ("eventlet",),
    "gevent": ("gunicorn[gevent]",),
    "threading": ("gunicorn",),
}
# As many as the service has.
PLACES = 6_000
STARTS_WITHIN = 30.0
# Nothing of this process's environment but these reaches a server.
KNOWN = ("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "TMPDIR")


@dataclass(frozen=True)
class Peer:
    """A server that can be started."""

    name: str
    command: tuple[str, ...]
    """How to start it, with PORT for the port."""
    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    environment: Path | None = None
    """Where its libraries are, if they are Python's."""
    access_log: str = ""
    """The options with which its server writes a line for each request."""
    no_access_log: str = ""

    def with_settings(self, name: str, **settings: str) -> Peer:
        """Return the same under another name, with other variables of the environment."""
        return replace(self, name=name, settings=self.settings | settings)

    def with_access_log(self, wanted: bool) -> Peer:
        """Return the same, which writes a line for each request, or does not."""
        options = (self.access_log if wanted else self.no_access_log).split()
        settings = {"ACCESS_LOG": "1"} if wanted else {}
        return replace(self, command=(*self.command, *options), settings=self.settings | settings)


@dataclass
class Running:
    """A server that runs."""

    peer: Peer
    port: int
    pid: int
    started_in: float
    """The seconds from the start of its process to its first answer."""


def run(*command: str | Path, folder: Path) -> str:
    """Run a command to its end, and return what it prints."""
    hidden = {"VIRTUAL_ENV", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in hidden},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


class Workshop:
    """A folder in which peers are made; environments that are there already are used again."""

    def __init__(self, folder: Path, python: str) -> None:
        """Use a folder.

        :param folder: it exists.
        :param python: the interpreter of all peers, or its version.
        """
        self.folder = folder
        self.python = python

    def environment(self, *requirements: str) -> Path:
        """Return an environment with what is required."""
        wanted = "\n".join((self.python, *sorted(requirements)))
        place = self.folder / "environments" / hashlib.sha256(wanted.encode()).hexdigest()[:12]
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)
            run(UV, "venv", "--quiet", "--python", self.python, place, folder=self.folder)
            python = place / "bin" / "python"
            install = (UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", python)
            run(*install, *requirements, folder=self.folder)
            (place / "complete").touch()
        return place

    def generated(self, mode: str) -> Path:
        """Return a service of a mode as the template writes it, with an environment beside it."""
        output = self.folder / "services" / mode
        shutil.rmtree(output, ignore_errors=True)
        answers = ("project_slug=bench", f"async_mode={mode}", "starter=minimal")
        command = (sys.executable, "-m", "cookiecutter", "--no-input", "--output-dir", output)
        run(*command, ROOT, *answers, folder=self.folder)
        project = output / "bench"
        run(UV, "sync", "--quiet", "--no-dev", "--python", self.python, folder=project)
        return project

    def service(self, name: str, project: Path) -> Peer:
        """Return a service with the view that is measured; its folder stays as it is.

        :param project: the folder of a generated service, with its environment in it.
        """
        place = Path(os.path.abspath(project))
        if not (place / ".venv").is_dir():
            raise RuntimeError(f"{place} has no .venv: uv sync --no-dev")
        copy = self.folder / "copies" / name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(place / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
        (package,) = (found.parent for found in (copy / "src").glob("*/__main__.py"))
        shutil.copy(SERVERS / "view.py", package / "views" / "bench.py")
        environment = place / ".venv"
        python = str(environment / "bin" / "python")
        run(python, "-m", "compileall", "-q", copy / "src", folder=copy)
        return Peer(
            name,
            (python, "-m", package.name, "run", "--port", "PORT"),
            copy,
            {"PYTHONPATH": str(copy / "src")},
            environment,
        )

    def bare(self, mode: str) -> Peer:
        """Return bare Flask-SocketIO."""
        environment = self.environment("flask-socketio", *BARE[mode])
        programs = environment / "bin"
        command = (str(programs / "python"), "bare.py", "PORT")
        if mode != "eventlet":
            kind = ("gthread", "--threads", str(PLACES)) if mode == "threading" else (mode,)
            command = (
                *(str(programs / "gunicorn"), "bare:app", "--workers", "1"),
                # What is above the threads is for connections that are kept between requests.
                *("--worker-class", *kind, "--worker-connections", str(2 * PLACES)),
                *("--bind", "127.0.0.1:PORT"),
            )
        option = "" if mode == "eventlet" else "--access-logfile -"
        return Peer("bare", command, SERVERS, {"ASYNC_MODE": mode}, environment, option)

    def asgi(self) -> Peer:
        """Return python-socketio and FastAPI on uvicorn."""
        environment = self.environment("fastapi", "python-socketio", "uvicorn[standard]")
        command = (str(environment / "bin" / "uvicorn"), "asgi:app", "--port", "PORT")
        return Peer("uvicorn", command, SERVERS, {}, environment, "", "--no-access-log")

    def node(self) -> Peer | None:
        """Return socket.io on Node, if both can be had here."""
        node, npm = shutil.which("node"), shutil.which("npm")
        if not node or not npm:
            print("Without node and npm, socket.io is left out")
            return None
        place = self.folder / "node"
        if not (place / "node_modules" / "socket.io").exists():
            place.mkdir(exist_ok=True)
            run(
                npm,
                "install",
                "--no-audit",
                "--no-fund",
                "--prefix",
                ".",
                "socket.io",
                folder=place,
            )
        return Peer("node", (node, str(SERVERS / "node.mjs"), "PORT"), place)


def mode_of(project: Path) -> str:
    """Return the async mode of a generated service."""
    (file,) = project.glob("src/*/serving/async_mode.py")
    found = re.search(r'ASYNC_MODE\b.*"(\w+)"', file.read_text(encoding="utf-8"))
    if not found:
        raise RuntimeError(f"{file} does not name its mode")
    return found[1]


def versions(peer: Peer) -> dict[str, str]:
    """Return the libraries of a peer with their versions."""
    if peer.environment is None:
        listed = run("npm", "ls", "--prefix", ".", folder=peer.folder)
        node = run(peer.command[0], "--version", folder=peer.folder).strip().lstrip("v")
        return {"node": node} | dict(re.findall(r"(\S+)@([\d.]+)", listed))
    python = peer.environment / "bin" / "python"
    listed = run(UV, "pip", "list", "--format", "freeze", "--python", python, folder=ROOT)
    found = dict(line.split("==", 1) for line in listed.splitlines() if "==" in line)
    return {name: version for name, version in found.items() if name != "bench"}


def python_of(peer: Peer) -> str:
    """Return the name and the version of a peer's Python."""
    assert peer.environment is not None
    return run(peer.environment / "bin" / "python", "--version", folder=ROOT).strip()


@contextmanager
def running(peer: Peer, processor: int | None, log: str = "pipe") -> Iterator[Running]:
    """Start a server, wait until it answers, and stop it at the end.

    :param processor: the only one that it may use.
    :param log: where its output goes: to a pipe, a file or a terminal.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [part.replace("PORT", str(port)) for part in peer.command]
    known = {name: os.environ[name] for name in KNOWN if name in os.environ}
    with _sink(log) as sink:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=peer.folder,
            env=known | peer.settings,
            stdin=subprocess.DEVNULL,
            stdout=sink.output,
            stderr=sink.output,
            start_new_session=True,
            preexec_fn=lambda: pin(processor),
        )
        try:
            started_in = _wait_for(port, process, begun)
            yield Running(peer, port, process.pid, started_in)
        except BaseException as error:
            error.add_note(f"{peer.name} printed at last:\n{sink.last()}")
            raise
        finally:
            # The session is its own, so this ends its children too, and nobody else.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait(10)


def pin(processor: int | None) -> None:
    """Keep this process, and those that it starts, on one processor."""
    if processor is not None:
        os.sched_setaffinity(0, {processor})


def _wait_for(port: int, process: subprocess.Popen[bytes], begun: float) -> float:
    """Return the seconds until a server answers."""
    while (passed := time.perf_counter() - begun) < STARTS_WITHIN:
        if process.poll() is not None:
            raise RuntimeError("The server ended")
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        with suppress(OSError):
            connection.request("GET", "/bench")
            if connection.getresponse().status == 200:
                return time.perf_counter() - begun
        connection.close()
        time.sleep(0.005)
    raise RuntimeError(f"The server does not answer within {passed:.0f} seconds")


@dataclass
class _Sink:
    """Where the output of a server goes."""

    output: int
    seen: bytearray

    def last(self) -> str:
        """Return what came last."""
        if not self.seen and os.fstat(self.output).st_size:
            self.seen += os.pread(self.output, 4000, max(0, os.fstat(self.output).st_size - 4000))
        return self.seen[-4000:].decode(errors="replace")


@contextmanager
def _sink(kind: str) -> Iterator[_Sink]:
    """Yield a sink that is drained."""
    seen = bytearray()
    if kind == "file":
        with tempfile.TemporaryFile("ab+") as file:
            yield _Sink(file.fileno(), seen)
        return
    source, output = pty.openpty() if kind == "terminal" else os.pipe()
    reader = threading.Thread(target=_drain, args=(source, seen), daemon=True)
    reader.start()
    try:
        yield _Sink(output, seen)
    finally:
        os.close(output)
        reader.join(10)
        os.close(source)


def _drain(source: int, seen: bytearray) -> None:
    """Read until nobody can write any more, and keep the end of it."""
    with suppress(OSError):
        while data := os.read(source, 1 << 16):
            seen += data
            del seen[:-4000]
