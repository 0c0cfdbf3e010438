# ruff: noqa: D103 - the name of a test says what it asserts
"""The life of a service: made, run, grown, pruned, switched to another mode, shipped."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import ROOT, Bake, generate
from environments import THIS, UV, uv
from server import package_of, running
from test_readme import CLASS_VIEWS, DOCS, MODES, blocks, names, read, section


def assert_tests_pass(service: Path) -> None:
    """Assert that the command of the README runs the tests, and that they pass."""
    assert " passed" in uv(service, "run", "pytest", "-q")


def assert_answers(service: Path, *paths: str) -> None:
    """Assert that the command of the README starts the service, and what it answers then."""
    with running([UV, "run", service.name], service, PORT="0") as server:
        assert {path: server.request("GET", path).status for path in paths} == dict.fromkeys(
            paths, 200
        )


def add_views(service: Path) -> None:
    """Add the view of `new-view`, and by hand the one of the README with its test."""
    uv(service, "run", service.name, "new-view", "rooms")
    view, _ = blocks(section(read(service), "## Write a view"), "python")
    (test,) = blocks(section(read(service), "## Test"), "python")
    package = service / "src" / package_of(service)
    (package / "views" / "poll.py").write_text(view, encoding="utf-8")
    (service / "tests" / "test_poll.py").write_text(test, encoding="utf-8")


def delete_sample(service: Path) -> None:
    """Delete what the README says the sample is."""
    text = section(read(service), "### Add or delete a view")
    files = names(text.partition("For the sample, these are")[2].partition("\n\n")[0])
    assert len(files) == 2
    for name in files:
        (service / name).unlink()


def switch(service: Path, folder: Path, **answers: str) -> None:
    """Copy what the template's page on modes names from a service of the other mode."""
    other = generate(folder, ROOT, **answers)
    text = section((DOCS / "async-modes.md").read_text(encoding="utf-8"), "## Switch it later")
    package = Path("src", package_of(service))
    for name in names(text):
        for file in (Path(name), package / name):
            if file.suffix and (other / file).exists():
                shutil.copy(other / file, service / file)


def ship(service: Path, folder: Path) -> str:
    """Build a wheel, install it into an environment of its own, and return the command there."""
    uv(service, "build", "--quiet", "--wheel", "--out-dir", str(folder / "dist"))
    (wheel,) = (folder / "dist").glob("*.whl")
    environment = folder / "environment"
    uv(folder, "venv", "--quiet", "--python", THIS, str(environment))
    python = ("--python", str(environment / "bin" / "python"))
    uv(folder, "pip", "install", "--quiet", *python, str(wheel))
    return str(environment / "bin" / service.name)


def assert_runs_in_production(command: str, folder: Path, *paths: str) -> None:
    """Assert that a shipped service runs somewhere else, with nothing but its environment."""
    somewhere = folder / "somewhere else"
    somewhere.mkdir()
    settings = {"ENVIRONMENT": "production", "SECRET_KEY": "x" * 32, "PORT": "0"}
    with running([command], somewhere, **settings) as server:
        assert urlsplit(server.url).port != 8000
        assert {path: server.request("GET", path).status for path in paths} == dict.fromkeys(
            paths, 200
        )
    # The chat has its database there; nothing else is written.
    assert {path.name for path in somewhere.iterdir()} <= {"instance"}


def test_a_wheel_is_all_that_production_needs(bake: Bake, tmp_path: Path) -> None:
    command = ship(bake(async_mode="threading", project_slug="ship-it"), tmp_path)
    assert_runs_in_production(command, tmp_path, "/echo", "/health/ready")


@pytest.mark.full
@pytest.mark.parametrize("mode", MODES)
def test_the_life_of_a_service(tmp_path: Path, mode: str) -> None:
    answers = {"project_name": "It's a service", "class_views": CLASS_VIEWS[mode]}
    service = generate(tmp_path, ROOT, async_mode=mode, **answers)
    assert_answers(service, "/echo", "/health/live")

    add_views(service)
    assert_tests_pass(service)
    assert_answers(service, "/echo", "/rooms", "/poll")

    delete_sample(service)
    assert_tests_pass(service)

    switch(service, tmp_path, async_mode=MODES[MODES.index(mode) - 1], **answers)
    assert_tests_pass(service)
    assert_answers(service, "/rooms", "/poll")
    for check in (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",)):
        uv(service, "run", *check)

    assert_runs_in_production(ship(service, tmp_path), tmp_path, "/rooms", "/poll")
