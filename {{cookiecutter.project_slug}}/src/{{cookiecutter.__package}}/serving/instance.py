# Owned by the template: an update may change this file.
"""The instance folder: files that only the service can read."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

SECRET_LENGTH = 32
"""How many characters a secret has at least."""


def make_folder(folder: Path) -> None:
    """Make a folder that is private; one that is there already stays as it is.

    :raises OSError: it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_private(file: Path) -> None:
    """Make a file readable for its owner only; create it if it does not exist.

    :raises OSError: it cannot be made.
    """
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
    # Not where it is somebody else's, who lets this process use it.
    with suppress(PermissionError):
        file.chmod(0o600)


def kept_secret(folder: Path) -> str:
    """Return the secret that is kept in a folder; the first process to ask makes one.

    :raises OSError: it cannot be kept there.
    :raises ValueError: what is kept there is no secret.
    """
    make_folder(folder)
    file = folder / "secret_key"
    if not file.exists():
        _write(file, secrets.token_urlsafe(SECRET_LENGTH))
    secret = file.read_bytes().decode("ascii", errors="replace").strip()
    if len(secret) < SECRET_LENGTH or not (secret.isascii() and secret.isprintable()):
        raise ValueError(
            f"{file} does not hold a secret of at least {SECRET_LENGTH} characters; the disk may "
            "have been full. Delete it, and the next start makes a new one; who is signed in has "
            "to sign in again then. Or set SECRET_KEY."
        )
    return secret


def _write(file: Path, text: str) -> None:
    """Write a file that nobody sees half of; where several processes do, the first one wins."""
    descriptor, aside = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as new:
            new.write(text)
            new.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(aside, file)
    finally:
        os.unlink(aside)
