# ruff: noqa: D103 - the name of a test says what it asserts
"""What stands where in a service: the template's rooms, and which of them imports which."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from combinations import EVERY_CODE, Answers, named
from conftest import Bake
from server import package_of

# What is the template's, each room below those that may import it.
ROOMS = ("flask_view", "contract", "serving")
# What stands at the root of a package: the user's, and how it is started.
ROOT = {"__init__.py", "__main__.py", "app.py", "extensions.py", "settings.py", "views", *ROOMS}
CHAT = {"chat", "migrations", "models.py", "static", "templates"}


def package(service: Path) -> Path:
    return service / "src" / package_of(service)


def imports(root: Path, file: Path) -> Iterator[tuple[str, ...]]:
    """Yield what a file of a package imports from it, from the root on."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            above = file.parents[node.level - 1].relative_to(root).parts
            steps = (*above, *(node.module or "").split(".")) if node.module else above
            for name in node.names:
                yield (*steps, name.name)


@pytest.mark.parametrize("answers", EVERY_CODE, ids=named)
def test_the_root_of_the_package_is_the_users(baked: Bake, answers: Answers) -> None:
    found = {path.name for path in package(baked(**answers)).iterdir()}

    assert found - ROOT == (CHAT if answers["starter"] == "chat" else set())


@pytest.mark.parametrize("answers", EVERY_CODE, ids=named)
def test_nothing_imports_back_up(baked: Bake, answers: Answers) -> None:
    root = package(baked(**answers))
    for height, room in enumerate(ROOMS):
        allowed = ROOMS[: height + 1]
        for file in (root / room).rglob("*.py"):
            outside = {steps for steps in imports(root, file) if steps[0] not in allowed}
            assert not outside, file.relative_to(root)


@pytest.mark.parametrize("answers", EVERY_CODE, ids=named)
def test_a_room_is_small_and_names_all_that_stands_in_it(baked: Bake, answers: Answers) -> None:
    root = package(baked(**answers))
    rooms = [path for name in ROOMS for path in (root / name).rglob("__init__.py")]
    for room in rooms:
        guide = ast.get_docstring(ast.parse(room.read_text(encoding="utf-8"))) or ""
        modules = {path.stem for path in room.parent.glob("*.py")} - {"__init__"}
        # What only some services have explains itself.
        folders = {path.parent.name for path in room.parent.glob("*/__init__.py")} - {"database"}
        unnamed = {name for name in modules | folders if f"``{name}``" not in guide}
        assert not unnamed, room.relative_to(root)
        assert len(modules) <= 10, room.relative_to(root)
        assert len(guide.splitlines()) <= 12, room.relative_to(root)
