"""A PostgreSQL server of the tests' own, in a private folder, gone at the end."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from programs import program
from server import eventually

DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@contextmanager
def postgresql(port: int | None = None) -> Iterator[str]:
    """Start a server, yield the URL of its database, and stop the server.

    :param port: where it listens on this machine, besides the socket of its folder.
    """
    programs = found()
    # The path of a socket has a hundred characters at most, so it is not in pytest's folder.
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    options: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL}
    if os.getuid() == 0:
        # PostgreSQL refuses to be run by root.
        options["user"] = "nobody"
        shutil.chown(folder, "nobody")
    data = folder / "data"
    cluster = ("-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N")
    subprocess.run([programs / "initdb", *cluster], check=True, **options)
    address = ("-h", "127.0.0.1", "-p", str(port)) if port else ("-h", "")
    server = ("-D", data, "-k", folder, *address)
    process = subprocess.Popen(
        [programs / "postgres", *server], stderr=subprocess.DEVNULL, **options
    )
    try:
        eventually(lambda: is_ready(programs, folder, port))
        yield f"postgresql://postgres@/postgres?host={folder}&port={port or 5432}"
    finally:
        # "Fast shutdown": without waiting for the clients.
        process.send_signal(signal.SIGINT)
        process.wait(30)
        shutil.rmtree(folder)


def query(url: str, statement: str) -> str:
    """Send a statement to a database, and return what comes of it."""
    command = [str(found() / "psql"), "--no-psqlrc", "-qAtc", statement, url]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    return done.stdout.strip()


def found() -> Path:
    """Return the folder of the programs."""
    return (DEBIAN[-1] if DEBIAN else program("initdb")).resolve().parent


def is_ready(programs: Path, folder: Path, port: int | None) -> bool:
    """Tell whether a server answers."""
    command: list[str | Path] = [programs / "pg_isready", "-q", "-h", folder]
    command += ["-p", str(port or 5432)]
    return subprocess.run(command, check=False).returncode == 0
