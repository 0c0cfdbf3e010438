# ruff: noqa: D103 - the name of a test says what it asserts
"""Secrets: made whole or not at all, and never told, whatever is wrong."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import Bake
from environments import environ, interpreter
from postgresql import postgresql
from server import package_of, started
from test_chat import migrate

HIDDEN = "hunter2"
LONG = "0123456789abcdef" * 2


@pytest.fixture
def service(bake: Bake) -> Path:
    """Return a service with everything that may hold a secret."""
    return bake(starter="chat")


def python(
    service: Path, *arguments: str, before: str = "", **settings: str
) -> "subprocess.CompletedProcess[str]":
    """Run Python in a service, as a shell does after some words."""
    return subprocess.run(
        ["bash", "-c", f'{before} exec "$@"', "bash", str(interpreter(service)), *arguments],
        cwd=service,
        env=environ(service, **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def refused(service: Path, *options: str, before: str = "", **settings: str) -> str:
    """Return the sentence that a service refuses to start with."""
    command = ("-m", package_of(service), "run", "--port", "0", *options)
    done = python(service, *command, before=before, **settings)
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    return done.stderr[done.stderr.index("Error: ") :]


def test_those_who_start_at_once_agree_on_one_secret(service: Path) -> None:
    script = f"""
import time
from {package_of(service)}.serving import async_mode
from {package_of(service)}.settings import Settings
time.sleep(1 - time.time() % 1)
print(Settings.load().secret_key.get_secret_value())
"""
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: python(service, "-W", "ignore", "-c", script), range(8)))
    (secret,) = {each.stdout.strip() for each in done}
    assert len(secret) >= 32
    # Nothing is left beside it.
    assert [path.name for path in (service / "instance").iterdir()] == ["secret_key"]
    assert (service / "instance").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kept", ["", "\n", "short", "\0" * 43, " " * 40, "é" * 40])
def test_what_is_no_secret_is_refused_with_what_to_do(service: Path, kept: str) -> None:
    (service / "instance").mkdir()
    file = service / "instance" / "secret_key"
    file.write_text(kept)
    said = refused(service)
    assert str(file.relative_to(service)) in said
    assert "Delete it" in said
    assert file.read_text() == kept

    file.unlink()
    with started(interpreter(service), service):
        assert len(file.read_text()) >= 32


def test_a_full_disk_leaves_no_half_of_a_secret(service: Path) -> None:
    # No file may become larger than nothing.
    said = refused(service, before="ulimit -f 0;", PYTHONDONTWRITEBYTECODE="1")
    assert "INSTANCE_PATH='instance': the secret of this machine cannot be kept there" in said
    assert list((service / "instance").iterdir()) == []


def test_production_wants_every_secret_to_be_long(service: Path) -> None:
    production = {"ENVIRONMENT": "production", "SECRET_KEY": LONG}
    for settings, name in (
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": " " * 40}, "SECRET_KEY"),
        ({"SECRET_KEY_FALLBACKS": f"{LONG},{HIDDEN}"}, "Each of SECRET_KEY_FALLBACKS"),
    ):
        said = refused(service, **production | settings)
        assert f"{name} must have at least 32 characters" in said
        assert HIDDEN not in said
    former = f"{LONG[::-1]}, {LONG[1:]}x"
    with started(interpreter(service), service, **production, SECRET_KEY_FALLBACKS=former):
        pass


def test_production_does_not_start_with_debugging(service: Path) -> None:
    production = {"ENVIRONMENT": "production", "SECRET_KEY": LONG}
    for options, settings in ((["--debug"], {}), ([], {"FLASK_DEBUG": "1"})):
        assert "FLASK_DEBUG" in refused(service, *options, **production, **settings)
    with started(interpreter(service), service, **production, FLASK_DEBUG="0"):
        pass


def test_what_a_former_secret_has_signed_is_still_good(service: Path) -> None:
    script = f"""
from {package_of(service)}.serving import async_mode
from flask import session
from {package_of(service)}.app import create_app

app = create_app(serves_clients=False)
app.add_url_rule("/in", "in", view_func=lambda: session.update(name="Ada") or "in")
app.add_url_rule("/who", "who", view_func=lambda: session.get("name", "nobody"))
"""
    first = f"{script}print(app.test_client().get('/in').headers['Set-Cookie'].split(';')[0])"
    cookie = python(service, "-W", "ignore", "-c", first, SECRET_KEY="old" + LONG).stdout.strip()
    assert cookie.startswith("session=")
    again = f"""{script}
print(app.test_client(use_cookies=False).get("/who", headers={{"Cookie": {cookie!r}}}).text)
"""
    for former, name in (("old" + LONG, "Ada"), ("other" + LONG, "nobody")):
        settings = {
            "SECRET_KEY": "new" + LONG,
            "SECRET_KEY_FALLBACKS": f"even older{LONG},{former}",
        }
        assert python(service, "-W", "ignore", "-c", again, **settings).stdout.strip() == name


WRONG = [
    ("DATABASE_URL", f"mysql://me:{HIDDEN}@host/name"),
    ("DATABASE_URL", f"me:{HIDDEN}@host/name"),
    ("DATABASE_URL", f"postgresql:/me:{HIDDEN}@host/name"),
    ("DATABASE_URL", f"postgresql://me:p@{HIDDEN}@host/name"),
    ("DATABASE_URL", f"postgresql://me:{HIDDEN}"),
    ("DATABASE_URL", f"postgresql://host:{HIDDEN}/name"),
    ("DATABASE_URL", f"oracle://host/name?password={HIDDEN}"),
    ("DATABASE_URL", f"postgresql://me:{HIDDEN}@127.0.0.1:1/name"),
    ("DATABASE_URL", f"postgresql://127.0.0.1:1/name?user=me&password={HIDDEN}"),
    ("MESSAGE_QUEUE_URL", f"redis://:{HIDDEN}/x@host"),
    ("MESSAGE_QUEUE_URL", f"redis://me:{HIDDEN}#x@host:6379"),
    ("MESSAGE_QUEUE_URL", f"redis://host:{HIDDEN}"),
    ("MESSAGE_QUEUE_URL", f"redis://host:99999?password={HIDDEN}"),
    ("MESSAGE_QUEUE_URL", f"redis://host?socket_timeout={HIDDEN}"),
    ("MESSAGE_QUEUE_URL", f"redis:/me:{HIDDEN}@host"),
    ("MESSAGE_QUEUE_URL", f"amqp://me:{HIDDEN}@host"),
    ("MESSAGE_QUEUE_URL", f"{HIDDEN}@host"),
    ("SECRET_KEY_FALLBACKS", HIDDEN),
]


def test_a_wrong_url_is_named_without_its_password(service: Path) -> None:
    script = f"""
import os
import sys
from {package_of(service)}.serving import async_mode
from {package_of(service)}.app import create_app
from {package_of(service)}.serving.settings import SettingsError

os.environ["ENVIRONMENT"], os.environ["SECRET_KEY"] = "production", "{LONG}"
for name, value in {WRONG!r}:
    os.environ[name] = value
    try:
        create_app()
    except SettingsError as error:
        print(str(error).replace(os.linesep, " "))
    del os.environ[name]
"""
    said = python(service, "-W", "ignore", "-c", script)
    assert said.stderr == ""
    assert HIDDEN not in said.stdout
    lines = said.stdout.splitlines()
    for (name, value), line in zip(WRONG, lines, strict=True):
        # Once it has been asked, it is the database that is named.
        assert name in line or "The database cannot be used" in line, value
    assert lines[0].startswith("DATABASE_URL='mysql://***@host/name': ")
    assert "redis://host:99999?***" in lines[12]
    assert HIDDEN not in refused(service, **dict(WRONG[:1]))


def test_a_broker_that_does_not_answer_is_named_without_its_password(service: Path) -> None:
    for url in (f"redis://me:{HIDDEN}@127.0.0.1:1/0", f"redis://127.0.0.1:1?password={HIDDEN}"):
        with started(interpreter(service), service, MESSAGE_QUEUE_URL=url) as server:
            assert "does not answer" in server.printed()
            ready = server.get("/health/ready") + server.get("/metrics")
            assert HIDDEN not in server.printed() + ready


def test_no_value_of_a_statement_is_in_the_message_of_an_error(service: Path) -> None:
    script = """
import traceback
from PACKAGE.serving import async_mode
from sqlalchemy import text
from PACKAGE.app import create_app
from PACKAGE.extensions import db
from PACKAGE.models import Room

def again():
    for _ in range(2):
        with db.write() as session:
            session.add(Room(name="HIDDEN"))

def wrong(statement):
    with db.write() as session:
        session.execute(text(statement), {"value": "HIDDEN"}).all()

with create_app().app_context():
    for fail in (
        again,
        lambda: wrong("SELECT :value FROM nowhere"),
        lambda: wrong("SELECT CAST(:value AS integer) / (SELECT 1 WHERE 1 = 2)"),
        lambda: wrong("SELECT json(:value || 'x')"),
        lambda: wrong("SELECT CAST(:value AS uuid)"),
    ):
        try:
            fail()
        except Exception as error:
            print("failed:", "".join(traceback.format_exception(error)))
""".replace("PACKAGE", package_of(service)).replace("HIDDEN", HIDDEN)
    with postgresql() as url:
        migrate(service, url)
        for settings in ({}, {"DATABASE_URL": url}):
            done = python(service, "-W", "ignore", "-c", script, **settings)
            assert done.returncode == 0, done.stderr
            assert done.stdout.count("failed:") >= 3
            # The lines of the script itself are not among them: it has no file.
            assert HIDDEN not in done.stdout + done.stderr
