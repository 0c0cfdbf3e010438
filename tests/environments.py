"""Environments to run generated services in, each made once and kept for the next time."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from uv import find_uv_bin

CACHE = Path(__file__).resolve().parent.parent / ".cache"
UV = find_uv_bin()
THIS = str(Path(sys.executable).resolve())
# What the next versions of these libraries will be, with DEPENDENCIES=development.
DEVELOPMENT = (
    "flask @ git+https://github.com/pallets/flask",
    "flask-socketio @ git+https://github.com/miguelgrinberg/Flask-SocketIO",
    "python-engineio @ git+https://github.com/miguelgrinberg/python-engineio",
    "python-socketio @ git+https://github.com/miguelgrinberg/python-socketio",
    "werkzeug @ git+https://github.com/pallets/werkzeug",
)
REPLACED = DEVELOPMENT if os.environ.get("DEPENDENCIES") == "development" else ()
# What a service may see of the environment of the tests: none of its settings is among these.
KNOWN = (
    *("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR"),
    *("UV_CACHE_DIR", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_NATIVE_TLS"),
)


def environ(service: Path, **settings: str) -> dict[str, str]:
    """Return the variables of a process of a service that is not installed."""
    known = {name: os.environ[name] for name in KNOWN if name in os.environ}
    found = {"PYTHONPATH": str(service / "src"), "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    return known | found | settings


def interpreter(service: Path, python: str = THIS, *, more: tuple[str, ...] = ()) -> Path:
    """Return the interpreter of an environment that has what a service needs, but not the service.

    :param service: its folder; services with the same needs share an environment.
    :param python: the interpreter or the version it is made for.
    :param more: what only the tests need, as in a file of requirements.
    """
    project = tomllib.loads((service / "pyproject.toml").read_text(encoding="utf-8"))
    needs = {"project": project["project"]["dependencies"], **project["dependency-groups"]}
    text = json.dumps([python, sys.version, needs, *REPLACED, *more], sort_keys=True)
    place = CACHE / "environments" / hashlib.sha256(text.encode()).hexdigest()[:16]
    if not place.exists():
        make(place, service, python, more)
    return place / "bin" / "python"


def run_python(
    service: Path, seconds: float, /, *arguments: str, **settings: str
) -> "subprocess.CompletedProcess[str]":
    """Run Python in a service to its end.

    :param service: its folder.
    :param seconds: how long it may take.
    :param arguments: what follows the interpreter.
    :param settings: variables of its environment.
    """
    return subprocess.run(
        [interpreter(service), *arguments],
        cwd=service,
        env=environ(service, **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=seconds,
        check=False,
    )


def make(place: Path, service: Path, python: str, more: tuple[str, ...] = ()) -> None:
    """Make an environment.

    Processes may make the same one at a time: each makes its own aside, and the first to be ready
    puts it into its place.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=place.parent, prefix="new-"))
    try:
        uv(service, "venv", "--quiet", "--clear", "--relocatable", "--python", python, str(aside))
        target = ("--python", str(aside / "bin" / "python"))
        project = ("--requirements", "pyproject.toml", "--group", "dev", *more)
        uv(service, "pip", "install", "--quiet", *target, *project)
        if REPLACED:
            uv(service, "pip", "install", "--quiet", *target, *REPLACED)
        aside.rename(place)
    except OSError:
        if not place.exists():
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def uv(folder: Path, *arguments: str) -> str:
    """Run uv in a folder, outside the environment of the tests, and return what it prints."""
    hidden = {"VIRTUAL_ENV", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT"}
    done = subprocess.run(
        [UV, *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in hidden},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, f"uv {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout
