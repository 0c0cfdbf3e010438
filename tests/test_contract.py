# ruff: noqa: D103 - the name of a test says what it asserts
"""The contract of `FlaskView`, in every async mode and on both libraries.

The tests stand in the folder `contract`. They are copied into a generated service and run there, in
its environment and with its fixtures, so they see what a user's own tests would see.
"""

import shutil
import subprocess
from pathlib import Path

import pytest
from combinations import EVERY_CODE, Answers, named
from conftest import Bake
from environments import environ, interpreter
from programs import program

CONTRACT = Path(__file__).parent / "contract"
# Each mode and each library once.
PAIRS: list[Answers] = [
    {"async_mode": "eventlet", "class_views": "flask-classful"},
    {"async_mode": "gevent", "class_views": "flask-classy"},
    {"async_mode": "threading", "class_views": "flask-classful"},
]
# Clients that are cut off leave sockets behind, in the library that they come from.
IGNORED = ("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def assert_contract_holds(service: Path) -> None:
    """Assert that the tests of the contract pass in a service."""
    program("redis-server")
    shutil.copytree(CONTRACT, service / "tests" / "contract")
    warnings = [option for ignored in IGNORED for option in ("-W", ignored)]
    done = subprocess.run(
        [interpreter(service), "-m", "pytest", "-q", "--tb=short", *warnings, "tests/contract"],
        cwd=service,
        env=environ(service),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("answers", PAIRS, ids=named)
def test_the_contract_holds(bake: Bake, answers: Answers) -> None:
    assert_contract_holds(bake(project_slug="contract-service", **answers))


@pytest.mark.full
@pytest.mark.parametrize("answers", EVERY_CODE, ids=named)
def test_the_contract_holds_in_every_service(bake: Bake, answers: Answers) -> None:
    assert_contract_holds(bake(project_slug="contract-service", **answers))
