# ruff: noqa: D103 - the name of a test says what it asserts
"""The contract of `FlaskView`, in every async mode, on both libraries, and on both paths of events.

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
# What the base promises does not depend on the samples; the smaller ones start in half the time.
STARTER = "minimal"
# All of these run on the quick path, and one on that of the libraries; the others if it is full.
QUICK, STOCK = {"QUICK_PATH": "true"}, {"QUICK_PATH": "false"}
# What is worked out before any event comes does not depend on the path of the events.
SAME_ON_BOTH = ("binding", "describing", "docs", "helpers", "libraries", "promising", "returning")
# Extensions that people use in events; no service needs them.
EXTENSIONS = ("flask-babel>=4,<5", "flask-login>=0.6.3,<0.7", "sqlalchemy>=2.0.40,<3")
# Clients that are cut off leave sockets behind, in the library that they come from.
IGNORED = ("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def assert_contract_holds(service: Path, *options: str, **settings: str) -> None:
    """Assert that the tests of the contract pass in a service.

    :param service: the folder of the service.
    :param options: what else pytest is told.
    :param settings: variables of the environment.
    """
    program("redis-server")
    shutil.copytree(CONTRACT, service / "tests" / "contract")
    warnings = [option for ignored in IGNORED for option in ("-W", ignored)]
    python = interpreter(service, more=EXTENSIONS)
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "--tb=short", *warnings, *options, "tests/contract"],
        cwd=service,
        env=environ(service, **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("answers", PAIRS, ids=named)
def test_the_contract_holds(bake: Bake, answers: Answers) -> None:
    assert_contract_holds(
        bake(project_slug="contract-service", starter=STARTER, **answers), **QUICK
    )


@pytest.mark.parametrize(
    "answers",
    [PAIRS[0], *(pytest.param(pair, marks=pytest.mark.full) for pair in PAIRS[1:])],
    ids=named,
)
def test_the_contract_holds_on_the_path_of_the_libraries(bake: Bake, answers: Answers) -> None:
    service = bake(project_slug="contract-service", starter=STARTER, **answers)
    ignored = (f"--ignore=tests/contract/test_{name}.py" for name in SAME_ON_BOTH)
    assert_contract_holds(service, *ignored, **STOCK)


@pytest.mark.full
@pytest.mark.parametrize("answers", EVERY_CODE, ids=named)
def test_the_contract_holds_in_every_service(bake: Bake, answers: Answers) -> None:
    assert_contract_holds(bake(project_slug="contract-service", **answers), **QUICK)
