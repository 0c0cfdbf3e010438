# ruff: noqa: D103 - the name of a test says what it asserts
"""What is generated: from where, which files for which answers, and no trace of the rest."""

import itertools
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from combinations import CHOICES, COVERING, EVERY_CODE, Answers, named
from conftest import ROOT, Bake, run

# Every file of every service; its package is "service" here.
FILES = {
    ".dockerignore",
    ".env.example",
    ".gitattributes",
    ".github/dependabot.yml",
    ".github/workflows/ci.yml",
    ".gitignore",
    "AGENTS.md",
    "Dockerfile",
    "LICENSE",
    "README.md",
    "compose.yaml",
    "deploy/nginx.conf",
    "pyproject.toml",
    "src/service/__init__.py",
    "src/service/__main__.py",
    "src/service/app.py",
    "src/service/contract/__init__.py",
    "src/service/contract/asyncapi.py",
    "src/service/contract/catalog.py",
    "src/service/contract/docstrings.py",
    "src/service/contract/openapi.py",
    "src/service/contract/page/__init__.py",
    "src/service/contract/page/static/connection.js",
    "src/service/contract/page/static/contract.js",
    "src/service/contract/page/static/copy.js",
    "src/service/contract/page/static/dock.js",
    "src/service/contract/page/static/dom.js",
    "src/service/contract/page/static/form.js",
    "src/service/contract/page/static/icon.svg",
    "src/service/contract/page/static/index.html",
    "src/service/contract/page/static/nav.js",
    "src/service/contract/page/static/overview.js",
    "src/service/contract/page/static/page.css",
    "src/service/contract/page/static/page.js",
    "src/service/contract/page/static/promise.js",
    "src/service/contract/page/static/request.js",
    "src/service/contract/page/static/schema.js",
    "src/service/contract/page/static/token.js",
    "src/service/contract/page/static/try.js",
    "src/service/contract/page/view.py",
    "src/service/contract/project.py",
    "src/service/contract/reading.py",
    "src/service/contract/results.py",
    "src/service/contract/schemas.py",
    "src/service/contract/structure.py",
    "src/service/contract/typescript.py",
    "src/service/extensions.py",
    "src/service/flask_view/__init__.py",
    "src/service/flask_view/class_views.py",
    "src/service/flask_view/decorators.py",
    "src/service/flask_view/handling/__init__.py",
    "src/service/flask_view/handling/binding.py",
    "src/service/flask_view/handling/client.py",
    "src/service/flask_view/handling/errors.py",
    "src/service/flask_view/handling/events.py",
    "src/service/flask_view/handling/limiting.py",
    "src/service/flask_view/handling/promises.py",
    "src/service/flask_view/handling/requests.py",
    "src/service/flask_view/handling/serialization.py",
    "src/service/flask_view/handling/signature.py",
    "src/service/flask_view/handling/telemetry.py",
    "src/service/flask_view/library.py",
    "src/service/flask_view/registration/__init__.py",
    "src/service/flask_view/registration/discovery.py",
    "src/service/flask_view/registration/views.py",
    "src/service/flask_view/registration/routes.py",
    *(
        f"src/service/flask_view/rooms/{name}.py"
        for name in (
            *("__init__", "members", "names", "payloads"),
            *("place", "presence", "roster", "telling"),
        )
    ),
    "src/service/flask_view/view.py",
    "src/service/serving/__init__.py",
    "src/service/serving/async_mode.py",
    "src/service/serving/browser/__init__.py",
    "src/service/serving/browser/client.py",
    "src/service/serving/browser/static/presence.js",
    "src/service/serving/browser/static/socket.js",
    "src/service/serving/cli.py",
    "src/service/serving/cluster/__init__.py",
    "src/service/serving/cluster/broker.py",
    "src/service/serving/cluster/clients.py",
    "src/service/serving/cluster/rosters.py",
    "src/service/serving/cluster/windows.py",
    "src/service/serving/connections/__init__.py",
    "src/service/serving/connections/budget.py",
    "src/service/serving/connections/connection.py",
    "src/service/serving/connections/engine.py",
    "src/service/serving/connections/frames.py",
    "src/service/serving/connections/limits.py",
    "src/service/serving/connections/protocol.py",
    "src/service/serving/connections/upgrade.py",
    "src/service/serving/connections/websocket.py",
    "src/service/serving/instance.py",
    "src/service/serving/layers.py",
    "src/service/serving/lookup.py",
    "src/service/serving/new_view.py",
    "src/service/serving/process/__init__.py",
    "src/service/serving/process/background.py",
    "src/service/serving/process/drain.py",
    "src/service/serving/process/json_lines.py",
    "src/service/serving/process/libraries.py",
    "src/service/serving/process/listener.py",
    "src/service/serving/process/log_writer.py",
    "src/service/serving/process/logs.py",
    "src/service/serving/process/placeholders.py",
    "src/service/serving/process/server.py",
    "src/service/serving/process/worker.py",
    "src/service/serving/quick/__init__.py",
    "src/service/serving/quick/batches.py",
    "src/service/serving/quick/connection.py",
    "src/service/serving/quick/context.py",
    "src/service/serving/quick/frames.py",
    "src/service/serving/quick/pings.py",
    "src/service/serving/quick/requests.py",
    "src/service/serving/quick/versions.py",
    "src/service/serving/readiness.py",
    "src/service/serving/requests/__init__.py",
    "src/service/serving/requests/body.py",
    "src/service/serving/requests/pending.py",
    "src/service/serving/requests/headers.py",
    "src/service/serving/requests/kinds.py",
    "src/service/serving/requests/origins.py",
    "src/service/serving/requests/session_cookie.py",
    "src/service/serving/service.py",
    "src/service/serving/settings.py",
    "src/service/serving/urls.py",
    "src/service/settings.py",
    "src/service/views/__init__.py",
    "src/service/views/echo.py",
    "src/service/views/health.py",
    "src/service/views/metrics.py",
    "tests/__init__.py",
    "tests/conftest.py",
    "tests/support/__init__.py",
    "tests/support/answers.py",
    "tests/support/fixtures.py",
    "tests/support/live.py",
    "tests/support/live_server.py",
    "tests/support/matching.py",
    "tests/support/network.py",
    "tests/support/promised.py",
    "tests/support/sent.py",
    "tests/test_echo.py",
    "tests/test_health.py",
    "tests/test_metrics.py",
    "tests/test_settings.py",
}
# Files of the services that chose an answer, and of no others.
FILES_OF_CHOICES: dict[str, set[str]] = {
    choice: set() for choice in itertools.chain(*CHOICES.values())
}
FILES_OF_CHOICES["chat"] = {
    "src/service/chat/__init__.py",
    "src/service/chat/clients.py",
    "src/service/chat/identity.py",
    "src/service/chat/rooms.py",
    "src/service/migrations/__init__.py",
    "src/service/migrations/m0001_chat.py",
    "src/service/migrations/m0002_drop_presence.py",
    "src/service/migrations/script.py.mako",
    "src/service/models.py",
    "src/service/serving/database/__init__.py",
    "src/service/serving/database/database.py",
    "src/service/serving/database/migrations.py",
    "src/service/serving/database/postgresql.py",
    "src/service/serving/database/revisions.py",
    "src/service/serving/database/settings.py",
    "src/service/serving/database/sqlite.py",
    "src/service/static/chat.css",
    "src/service/static/chat.js",
    "src/service/static/icon.svg",
    "src/service/static/page.js",
    "src/service/static/server.js",
    "src/service/templates/home.html",
    "src/service/templates/title.txt",
    "src/service/views/chat.py",
    "src/service/views/home.py",
    "src/service/views/session.py",
    "tests/support/databases.py",
    "tests/test_chat.py",
    "tests/test_database.py",
    "tests/test_session.py",
}
# Words of the machinery that makes a service. None is left in it.
MACHINERY = ("cookiecutter", "jinja", "{%", "{#", "{{")
# GitHub has braces of its own, and a README may say where the service comes from.
MACHINERY_ALLOWED = {
    (".github/workflows/ci.yml", "{{"),
    # The page of the chat is a template of Flask's own.
    ("src/service/templates/home.html", "{{"),
    ("src/service/templates/home.html", "{%"),
}
# What stands for a choice in files. No service names a choice that was not made.
TRACES = {
    "eventlet": ("eventlet", "greendns"),
    "gevent": ("gevent", "ggevent"),
    "threading": ("gthread",),
    "flask-classful": ("classful",),
    "flask-classy": ("classy",),
    "chat": ("sqlalchemy", "alembic", "psycopg", "database_url", "itsdangerous", "postgres"),
}
# By what was chosen and what was not: the files that say how the two differ.
TRACES_ALLOWED = {
    ("eventlet", "gevent"): {"README.md"},
    ("eventlet", "threading"): {"README.md"},
    ("flask-classy", "flask-classful"): {
        "src/service/flask_view/class_views.py",
        "src/service/flask_view/handling/requests.py",
        "src/service/flask_view/handling/signature.py",
    },
}


def files(service: Path) -> dict[str, str]:
    """Return the text of every file of a service, its package and itself under one name."""
    package = service.name.replace("-", "_")
    found = {}
    for path in service.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            name = path.relative_to(service).as_posix().replace(f"src/{package}/", "src/service/")
            found[name] = text
    return found


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bare repository that holds the template as it is in the working tree."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copytree(
        ROOT,
        folder / "template",
        ignore=shutil.ignore_patterns(".git", ".venv", ".cache", ".*_cache", "__pycache__"),
    )
    git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com"]
    for command in (
        [*git, "init", "--quiet", "--initial-branch=main"],
        [*git, "add", "--all"],
        [*git, "commit", "--quiet", "--no-verify", "--message=Template"],
        [*git, "clone", "--quiet", "--bare", ".", "../template.git"],
    ):
        subprocess.run(command, cwd=folder / "template", check=True, stdin=subprocess.DEVNULL)
    return folder / "template.git"


def test_the_defaults_are_enough(tmp_path: Path) -> None:
    done = run(tmp_path, ROOT, "--no-input")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "my-realtime-service" / "pyproject.toml").is_file()
    assert "\n  cd my-realtime-service\n  uv run my-realtime-service\n" in done.stdout


def test_a_git_repository_can_be_generated_from(
    repository: Path, tmp_path: Path, baked: Bake
) -> None:
    done = run(tmp_path, repository.as_uri(), "--no-input")
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "my-realtime-service") == files(baked())


def test_a_zip_file_can_be_generated_from(repository: Path, tmp_path: Path, baked: Bake) -> None:
    archive = tmp_path / "template.zip"
    command = ["git", "archive", "--prefix=template-main/", f"--output={archive}", "main"]
    subprocess.run(command, cwd=repository, check=True)
    assert zipfile.is_zipfile(archive)
    done = run(tmp_path, str(archive), "--no-input")
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "my-realtime-service") == files(baked())


@pytest.mark.parametrize("answers", COVERING, ids=named)
def test_the_files_are_exactly_those_of_the_answers(baked: Bake, answers: Answers) -> None:
    found, wanted = set(files(baked(**answers))), expected(answers)
    assert (found - wanted, wanted - found) == (set(), set())


@pytest.mark.parametrize("answers", EVERY_CODE, ids=named)
def test_nothing_of_the_machinery_is_left(baked: Bake, answers: Answers) -> None:
    found = {
        (name, word)
        for name, text in files(baked(**answers)).items()
        for word in MACHINERY
        if word in text.lower()
    }
    choices = "|".join(map(re.escape, TRACES))
    assert not {name for name in files(baked(**answers)) if re.search(f"__({choices})", name)}
    assert found <= MACHINERY_ALLOWED


@pytest.mark.parametrize("answers", EVERY_CODE, ids=named)
def test_nothing_is_left_of_choices_that_were_not_made(baked: Bake, answers: Answers) -> None:
    texts = files(baked(**answers)).items()
    for question, choices in CHOICES.items():
        chosen = answers.get(question, choices[0])
        for other in set(choices) & set(TRACES) - {chosen}:
            found = {
                name
                for name, text in texts
                if any(trace in text.lower() for trace in TRACES[other])
            }
            assert found <= TRACES_ALLOWED.get((chosen, other), set()), other


@pytest.mark.parametrize("answers", COVERING, ids=named)
def test_a_licence_changes_no_code(baked: Bake, answers: Answers) -> None:
    one, *others = (files(baked(**answers | {"license": name})) for name in CHOICES["license"])
    for other in others:
        assert other.keys() == one.keys()
        changed = {name for name, text in other.items() if text != one[name]}
        assert changed == {"LICENSE", "README.md", "pyproject.toml"}
        lines = (set(tree["pyproject.toml"].splitlines()) for tree in (one, other))
        assert all(line.startswith("license = ") for line in set.symmetric_difference(*lines))


@pytest.mark.parametrize("answers", EVERY_CODE, ids=named)
def test_a_chosen_library_is_named(baked: Bake, answers: Answers) -> None:
    project = files(baked(**answers))["pyproject.toml"]
    chosen = {answers["async_mode"], answers["class_views"]} - {"threading"}
    assert all(f'"{library}>=' in project for library in chosen)


@pytest.mark.parametrize("answers", COVERING, ids=named)
def test_a_file_ends_with_one_line_break_and_has_no_stray_blanks(
    baked: Bake, answers: Answers
) -> None:
    for name, text in files(baked(**answers)).items():
        assert not text or re.search(r"\S\n\Z", text), name
        assert not re.search(r"[ \t]\r?\n", text), name
        assert "\r" not in text, name


def expected(answers: Answers) -> set[str]:
    """Return the names of the files for some answers."""
    chosen = [answers.get(question, choices[0]) for question, choices in CHOICES.items()]
    return FILES.union(*(FILES_OF_CHOICES[choice] for choice in chosen))
