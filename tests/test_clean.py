# ruff: noqa: D103 - the name of a test says what it asserts
"""A generated service passes its own checks: linter, formatter, types, tests, dependencies."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from combinations import CHOICES, COVERING, EVERY, EVERY_CODE, Answers, named
from conftest import Bake, once
from environments import CACHE, THIS, UV, environ, interpreter, uv
from programs import REQUIRED

CHECKS = {
    "lint": ["ruff", "check", "--no-cache"],
    "format": ["ruff", "format", "--check", "--no-cache"],
    "types": ["mypy"],
    "tests": ["pytest", "-q", "-p", "no:cacheprovider"],
}
# name, extras, lower bound, upper bound, and maybe a marker
BOUNDED = re.compile(
    r"(?P<name>[a-z0-9-]+)(\[[a-z0-9,-]+\])?>=(?P<low>[0-9.]+),<(?P<high>[0-9.]+)(; .+)?"
)
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Bake:
    """`worked(**answers)`: made once for the checks of this file, which leave traces."""
    return once(tmp_path_factory)


def assert_passes(service: Path, check: str, python: str = THIS) -> None:
    """Assert that a service passes one of its own checks."""
    settings = {}
    if check == "types":
        # The libraries are the same for all services; two processes may not share the folder.
        worker = os.environ.get("PYTEST_XDIST_WORKER", "one")
        settings["MYPY_CACHE_DIR"] = str(CACHE / "mypy" / worker)
    done = subprocess.run(
        [interpreter(service, python), "-m", *CHECKS[check]],
        cwd=service,
        env=environ(service, **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # On every database, for one.
    assert check != "tests" or not REQUIRED or "skipped" not in done.stdout, done.stdout


def dependencies(service: Path) -> list[str]:
    """Return the dependencies of a service and of its development."""
    project = tomllib.loads((service / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [
        project["project"]["dependencies"],
        *project["project"].get("optional-dependencies", {}).values(),
        *project["dependency-groups"].values(),
        project["build-system"]["requires"],
    ]
    return [dependency for group in groups for dependency in group]


def installed(service: Path) -> dict[str, str]:
    """Return the versions in the environment of a service, by name."""
    python = ("--python", str(interpreter(service)))
    lines = uv(service, "pip", "freeze", *python).splitlines()
    return {name: version for name, _, version in (line.partition("==") for line in lines)}


def numbers(version: str) -> tuple[int, int]:
    """Return the major and the minor number of a version."""
    major, minor, *_ = [*version.split("."), "0"]
    return int(major), int(minor)


def test_every_choice_is_covered() -> None:
    covered = {
        question: {answers.get(question, choices[0]) for answers in COVERING}
        for question, choices in CHOICES.items()
    }
    assert covered == {question: set(choices) for question, choices in CHOICES.items()}


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("answers", COVERING, ids=named)
def test_a_service_passes_its_own_checks(worked: Bake, answers: Answers, check: str) -> None:
    assert_passes(worked(**answers), check)


@pytest.mark.full
@pytest.mark.parametrize("answers", EVERY, ids=named)
def test_every_service_passes_its_own_checks(bake: Bake, answers: Answers) -> None:
    service = bake(**answers)
    for check in CHECKS:
        assert_passes(service, check)


@pytest.mark.full
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("answers", EVERY_CODE, ids=named)
def test_every_python_runs_the_tests_of_a_service(
    worked: Bake, answers: Answers, python: str
) -> None:
    search = [UV, "python", "find", "--no-python-downloads", "--no-project", "--system", python]
    found = subprocess.run(search, capture_output=True, encoding="utf-8", check=False)
    if found.returncode:
        pytest.skip(f"Python {python} is not installed")
    assert_passes(worked(**answers), "tests", found.stdout.strip())


@pytest.mark.full
@pytest.mark.parametrize("resolution", ["lowest-direct", "highest"])
@pytest.mark.parametrize("answers", EVERY_CODE, ids=named)
def test_the_tests_of_a_service_pass_with_the_versions_it_allows(
    bake: Bake, answers: Answers, resolution: str
) -> None:
    service = bake(**answers)
    uv(service, "sync", "--quiet", "--python", THIS, "--resolution", resolution)
    uv(service, "run", "--no-sync", "pytest", "-q")


@pytest.mark.parametrize("answers", COVERING, ids=named)
def test_every_dependency_ends_below_the_next_major_version(baked: Bake, answers: Answers) -> None:
    service = baked(**answers)
    versions = installed(service)
    for dependency in dependencies(service):
        bounded = BOUNDED.fullmatch(dependency)
        assert bounded, dependency
        # What builds the service is not in its environment.
        major, minor = numbers(versions.get(bounded["name"], bounded["low"]))
        allowed = ["1", f"0.{minor + 1}"] if major == 0 else [str(major + 1)]
        assert bounded["high"] in allowed, dependency


@pytest.mark.parametrize("answers", COVERING, ids=named)
def test_libraries_that_do_harm_are_not_installed(baked: Bake, answers: Answers) -> None:
    versions = installed(baked(**answers))
    assert "gevent-websocket" not in versions
    # Up to 5.16 a client could join the room that is another client's own.
    assert numbers(versions["python-socketio"]) >= (5, 17)
    assert "python-socketio>=5.17,<6" in dependencies(baked(**answers))
    # The wrong one of these would be used by whatever looks for one.
    assert {"eventlet", "gevent"} & set(versions) == {answers.get("async_mode", "eventlet")} - {
        "threading"
    }
