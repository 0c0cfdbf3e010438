"""Packages of Node that tests need, each installed once and kept for the next time."""

import os
import shutil
import subprocess
from pathlib import Path

from environments import CACHE
from programs import program


def installed(package: str) -> Path:
    """Return the folder `node_modules` with a package in it.

    :param package: its name and version: `socket.io-client@4.8.3`.
    """
    place = CACHE / "node" / package
    if not place.exists():
        aside = place.with_name(f"{place.name}-{os.getpid()}")
        aside.mkdir(parents=True)
        quiet = ("--no-save", "--no-audit", "--no-fund")
        subprocess.run(
            [program("npm"), "install", *quiet, "--prefix", aside, package],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
        try:
            aside.rename(place)
        except OSError:
            shutil.rmtree(aside)
    return place / "node_modules"
