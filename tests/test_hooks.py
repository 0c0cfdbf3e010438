# ruff: noqa: D103 - the name of a test says what it asserts
"""Which files a service gets, and what the hooks say, on a template of a few lines."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import ROOT, generate, run

FILES = (
    "LICENSE__MIT",
    "LICENSE__Apache-2.0",
    "plain.py",
    "src/{{cookiecutter.__package}}/__init__.py",
    "src/{{cookiecutter.__package}}/__main__.py",
    "src/{{cookiecutter.__package}}/a__b.py",
    "src/{{cookiecutter.__package}}/library__flask-classful.py",
    "src/{{cookiecutter.__package}}/library__flask-classy.py",
    "deploy/server__gevent__threading.conf.in",
    "deploy/server__eventlet.conf.in",
)
ALWAYS = {"plain.py", "src/s/__init__.py", "src/s/__main__.py", "src/s/a__b.py", "src/s/library.py"}
TREES = [
    ({}, {"LICENSE", "deploy/server.conf.in"}, "library__flask-classful"),
    ({"license": "Apache-2.0"}, {"LICENSE", "deploy/server.conf.in"}, "library__flask-classful"),
    ({"license": "Proprietary"}, {"deploy/server.conf.in"}, "library__flask-classful"),
    (
        {"class_views": "flask-classy"},
        {"LICENSE", "deploy/server.conf.in"},
        "library__flask-classy",
    ),
    ({"async_mode": "threading"}, {"LICENSE", "deploy/server.conf.in"}, "library__flask-classful"),
]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Return a template with our questions and hooks, and files that hold their own path."""
    template = tmp_path / "template"
    shutil.copytree(ROOT / "hooks", template / "hooks")
    shutil.copy(ROOT / "cookiecutter.json", template)
    shutil.copy(ROOT / "local_extensions.py", template)
    for name in FILES:
        file = template / "{{cookiecutter.project_slug}}" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(Path(name).name.split(".")[0])
    return template


@pytest.mark.parametrize(("answers", "files", "library"), TREES, ids=[str(row[0]) for row in TREES])
def test_the_files_of_the_chosen_answers_are_kept_and_no_others(
    template: Path, tmp_path: Path, answers: dict[str, str], files: set[str], library: str
) -> None:
    service = generate(tmp_path, template, project_slug="s", **answers)
    found = {str(path.relative_to(service)) for path in service.rglob("*") if path.is_file()}
    assert found == ALWAYS | files
    assert (service / "src/s/library.py").read_text() == library
    mode = answers.get("async_mode", "eventlet")
    assert mode in (service / "deploy/server.conf.in").read_text()


def test_a_file_of_a_service_generated_again_is_left_alone(template: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "my-realtime-service" / ".venv" / "test__threading.py"
    foreign.parent.mkdir(parents=True)
    foreign.touch()
    assert run(tmp_path, template, "--no-input", "--overwrite-if-exists").returncode == 0
    assert foreign.exists()


def test_every_choice_may_mark_a_file(template: Path, tmp_path: Path) -> None:
    questionnaire = json.loads((template / "cookiecutter.json").read_text(encoding="utf-8"))
    answers = {name: value for name, value in questionnaire.items() if isinstance(value, list)}
    tree = template / "{{cookiecutter.project_slug}}"
    for question, choices in answers.items():
        for choice in choices if not question.startswith("_") else ():
            (tree / f"{question}__{choice}.txt").write_text(choice)
    service = generate(tmp_path, template, license="BSD-3-Clause", async_mode="gevent")
    assert {path.name: path.read_text() for path in service.glob("*.txt")} == {
        "license.txt": "BSD-3-Clause",
        "starter.txt": answers["starter"][0],
        "async_mode.txt": "gevent",
        "class_views.txt": "flask-classful",
    }


def test_a_file_that_is_copied_stays_as_it_is(template: Path, tmp_path: Path) -> None:
    text = "{{ x }} {% if %} {# #}\n{%- raw -%}\n\n {{ cookiecutter.project_slug }} é\t\n\n"
    tree = template / "{{cookiecutter.project_slug}}"
    (tree / "deploy" / "copied__eventlet.conf").write_text(text, encoding="utf-8")
    (tree / "rendered.conf").write_text("{{ cookiecutter.project_slug }}\n", encoding="utf-8")
    service = generate(tmp_path, template, project_slug="s")
    assert (service / "deploy" / "copied.conf").read_text(encoding="utf-8") == text
    assert (service / "rendered.conf").read_text(encoding="utf-8") == "s\n"


def test_the_last_words_are_the_next_commands(template: Path, tmp_path: Path) -> None:
    said = run(tmp_path, template, "--no-input", "project_name=3D Chat").stdout
    assert "\n  cd service-3d-chat\n  uv run service-3d-chat\n" in said
    assert "uv run pytest" in said


def test_generating_twice_gives_the_same_bytes(template: Path, tmp_path: Path) -> None:
    first, second = (generate(tmp_path, template) for _ in range(2))
    files = sorted(path.relative_to(first) for path in first.rglob("*"))
    assert files == sorted(path.relative_to(second) for path in second.rglob("*"))
    assert all(
        (first / name).read_bytes() == (second / name).read_bytes()
        for name in files
        if (first / name).is_file()
    )
