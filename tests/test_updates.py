# ruff: noqa: D103 - the name of a test says what it asserts
"""A service follows its template: what an update brings, what it leaves alone, and who owns what.

`uv run python tests/test_updates.py` writes the line that says so into files of the template.
"""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from combinations import CHOICES, COVERING, Answers, named
from conftest import ROOT, Bake, generate
from jinja2 import Environment
from server import package_of
from test_readme import DOCS, blocks, section

OWNED = "# Owned by the template: an update may change this file."
TREE = ROOT / "{{cookiecutter.project_slug}}"
# What is the template's; all else is the user's, or begins as the template has it.
OWNED_PLACES = (
    *("src/*/flask_view/*", "src/*/contract/*", "src/*/serving/*", "src/*/__*__.py"),
    *("tests/support/*", "tests/__init__.py", "deploy/*"),
)
YOURS = (
    *("src/*/views/*", "src/*/chat/*", "src/*/models.py", "src/*/migrations/*"),
    *("src/*/templates/*", "src/*/static/*", "tests/test_*.py"),
)
COMMENTED = {".py", ".js", ".conf", ".toml", ".yaml", ".yml", ".sh", ".cfg", ".ini"}
WITH_GIT = section((DOCS / "updates.md").read_text(encoding="utf-8"), "## With git")
ANSWERS = {
    "project_name": 'The "board" \\ 🚀',
    "project_slug": "team-board",
    "license": "Apache-2.0",
}


def below(name: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a file of a service is in one of some places."""
    path = Path(name)
    return any(part.match(pattern) for pattern in patterns for part in (path, *path.parents))


def is_owned(name: str) -> bool:
    """Tell whether a file of a service is the template's."""
    ours = below(name, OWNED_PLACES) and not below(name, YOURS)
    return ours and Path(name).suffix in COMMENTED


def owned(path: Path) -> str:
    """Return the line that says that a file is the template's."""
    return OWNED.replace("#", "//", 1) if path.suffix == ".js" else OWNED


def contents(service: Path) -> dict[str, bytes]:
    """Return what the files of a service hold, by name."""
    files = [path for path in service.rglob("*") if path.is_file()]
    return {path.relative_to(service).as_posix(): path.read_bytes() for path in files}


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, without the settings of the machine."""
    known = ("user.name=Test", "user.email=test@example.com", "init.defaultBranch=main")
    options = [part for setting in known for part in ("-c", setting)]
    done = subprocess.run(
        ["git", *options, *arguments],
        cwd=folder,
        env=os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def commit(folder: Path) -> None:
    """Commit everything in a folder."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--no-verify", "--message=Commit")


def cruft(folder: Path, *arguments: str, status: int = 0) -> str:
    """Run cruft in a folder, with a home of its own, and return what it prints."""
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "cruft", *arguments],
        cwd=folder,
        env=os.environ
        | {"HOME": str(home), "COOKIECUTTER_CONFIG": os.devnull, "PYTHONUTF8": "1"}
        | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def fill(template: Path) -> None:
    """Make a folder hold the template as it is in the working tree, and nothing else but git's."""
    template.mkdir(parents=True, exist_ok=True)
    for path in template.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    ignored = shutil.ignore_patterns(
        *(".git", ".venv", ".cache", ".*_cache", "__pycache__", "node_modules", "uv.lock")
    )
    shutil.copytree(ROOT, template, ignore=ignored, dirs_exist_ok=True)


def edit(file: Path, old: str, new: str) -> None:
    """Replace a text that is in a file once."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} in {file}"
    file.write_text(text.replace(old, new), encoding="utf-8", newline="\n")


def last_version() -> str:
    """Return the tag of the version before this commit, or nothing where there is none."""
    command = ["git", "describe", "--tags", "--abbrev=0", "--match=v*", "HEAD^"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    return done.stdout.strip()


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Return a repository with the template of the last version, or else of an invented one."""
    template = tmp_path / "template"
    template.mkdir()
    git(template, "init", "--quiet")
    if tag := last_version():
        archive = tmp_path / "template.tar"
        git(ROOT, "archive", f"--output={archive}", tag)
        shutil.unpack_archive(archive, template)
    else:
        fill(template)
        package = template / TREE.name / "src" / "{{cookiecutter.__package}}"
        serving = package / "serving"
        edit(serving / "cli.py", '"""The commands of the service."""', '"""Commands."""')
        edit(package / "views" / "echo.py", "class EchoView(", "# Old.\nclass EchoView(")
        (package / "flask_view" / "old.py").write_text('"""Gone in the next version."""\n')
        (serving / "process" / "logs.py").unlink()
        edit(template / "cookiecutter.json", '"_version": "', '"_version": "0.0.')
    commit(template)
    return template


@pytest.fixture
def service(template: Path, tmp_path: Path) -> Path:
    """Return a service that was made from the template as it was, and is a repository itself."""
    answers = json.dumps(ANSWERS)
    cruft(tmp_path, "create", str(template), "--no-input", "--extra-context", answers)
    service = tmp_path / ANSWERS["project_slug"]
    git(service, "init", "--quiet")
    commit(service)
    return service


def changed(service: Path) -> set[str]:
    """Return the files of a service that differ from the last commit."""
    git(service, "add", "--all")
    return set(git(service, "diff", "--cached", "--name-only", "--no-renames").split())


def test_an_update_brings_what_is_the_templates_and_leaves_alone_what_is_yours(
    template: Path, service: Path, tmp_path: Path
) -> None:
    package = service / "src" / "team_board"
    (package / "views" / "echo.py").write_text("# Rewritten.\n")
    (package / "views" / "mine.py").write_text('"""A view of my own."""\n')
    (service / "tests" / "test_health.py").unlink()
    edit(service / "README.md", "\n## Start\n", "\nHello.\n\n## Start\n")
    edit(
        package / "settings.py", "    session_seconds:", '    mine: str = ""\n    session_seconds:'
    )
    edit(service / "pyproject.toml", 'version = "0.1.0"', 'version = "7.0.0"')
    commit(service)
    before = generate(tmp_path, template, **ANSWERS)

    cruft(service, "check")
    fill(template)
    commit(template)
    cruft(service, "check", status=1)
    cruft(service, "update", "--skip-apply-ask")
    cruft(service, "check")

    found = changed(service)
    old, new = contents(before), contents(generate(tmp_path, ROOT, **ANSWERS))
    differing = {name for name in old | new if old.get(name) != new.get(name)}
    assert {name for name in found if is_owned(name)} == set(filter(is_owned, differing))
    assert not {name for name in found if below(name, YOURS)}
    now = contents(service)
    assert all(now.get(name) == new.get(name) for name in found if is_owned(name))
    assert not [name for name in now if name.endswith(".rej")]
    assert "<<<<<<<" not in git(service, "diff", "--cached")
    assert b"\nHello.\n" in now["README.md"]
    assert version_in(now["README.md"]) == version_in(new["README.md"])


def version_in(readme: bytes) -> str:
    """Return the version of the template that a README names."""
    return readme.decode().partition("made from version ")[2].split()[0]


def test_each_version_finds_its_own_filters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "extensions_of_two_versions.py"
    text = (ROOT / "local_extensions.py").read_text(encoding="utf-8")
    shutil.copy(ROOT / "cookiecutter.json", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    now = time.time()
    # Of one size, and of one second: Python takes what it has compiled for up to date.
    for title in ("service-one", "service-two"):
        module.write_text(text.replace('"realtime-service"', f'"{title}"'), encoding="utf-8")
        os.utime(module, (now, now))
        extensions = importlib.import_module(module.stem)
        extensions.Filters(Environment())  # noqa: S701
        assert extensions.slug_for("") == title


@pytest.mark.full
def test_an_update_uses_the_filters_of_each_version(template: Path, service: Path) -> None:
    # Both versions of the module are of one size, and may be written within one second.
    edition = template / TREE.name / "tests" / "live_edition.py"
    extensions = template / "local_extensions.py"
    for number in ("one", "two"):
        fill(template)
        edit(
            extensions,
            '"""Return a text in double quotes, for TOML, JSON, YAML and Python alike.',
            f'"""Quote."""\n    return json.dumps("{number}") if text == "edition" else json.dumps('
            'text, ensure_ascii=False)\n    """',
        )
        edition.write_text("{{ 'edition' | toml_string }}\n")
        commit(template)
        cruft(service, "update", "--skip-apply-ask")
        assert (service / "tests" / "live_edition.py").read_text() == f'"{number}"\n'
        commit(service)


@pytest.mark.full
@pytest.mark.parametrize("mode", ["gevent", "threading"])
def test_an_update_can_change_an_answer(
    template: Path, service: Path, mode: str, tmp_path: Path
) -> None:
    fill(template)
    commit(template)
    cruft(service, "update", "--skip-apply-ask")
    commit(service)
    answer = json.dumps({"async_mode": mode})
    cruft(service, "update", "--skip-apply-ask", "--variables-to-update", answer)
    now = contents(service)
    new = contents(generate(tmp_path, ROOT, **ANSWERS, async_mode=mode))
    names = {"README.md", "pyproject.toml", *filter(is_owned, new)}
    assert all(now[name] == new[name] for name in names)


@pytest.mark.full
def test_a_service_that_was_made_without_cruft_can_be_linked(
    template: Path, tmp_path: Path
) -> None:
    service = generate(tmp_path, template, **ANSWERS)
    git(service, "init", "--quiet")
    answers = ("--no-input", "--extra-context", json.dumps(ANSWERS))
    cruft(service, "link", str(template), *answers)
    commit(service)
    fill(template)
    commit(template)
    cruft(service, "update", "--skip-apply-ask")
    assert changed(service) > {".cruft.json"}


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """Return the repository of the template, which `gh:org/repo` leads to, with a version in it."""
    origin = tmp_path / "org" / "repo.git"
    fill(origin)
    git(origin, "init", "--quiet")
    commit(origin)
    git(origin, "tag", "v0.1.0")
    return origin


def release(origin: Path) -> None:
    """Commit a version of the template that changes, adds and deletes a file of its own."""
    package = origin / TREE.name / "src" / "{{cookiecutter.__package}}"
    edit(package / "serving" / "cli.py", '"""The commands of the service."""', '"""Commands."""')
    edit(package / "settings__chat.py", '"""The settings of this service:', '"""All settings:')
    (package / "serving" / "added.py").write_text(f'{OWNED}\n"""Something new."""\n')
    (package / "serving" / "lookup.py").unlink()
    commit(origin)


def work_on(service: Path) -> None:
    """Do to a service what its owner does: edit, add and delete files, and add a setting."""
    package = service / "src" / "my_realtime_service"
    edit(package / "views" / "home.py", "class HomeView(", "# Mine.\nclass HomeView(")
    (package / "views" / "mine.py").write_text('"""A view of my own."""\n')
    edit(
        package / "settings.py", "    session_seconds:", '    mine: str = ""\n    session_seconds:'
    )
    for sample in (package / "views" / "echo.py", service / "tests" / "test_echo.py"):
        sample.unlink()
    (service / "answers.json").write_text(blocks(WITH_GIT, "json")[0], encoding="utf-8")


def shell(folder: Path, commands: str) -> "subprocess.CompletedProcess[str]":
    """Run commands of the README as they stand there; every question is answered by Enter.

    `uvx` stands for the tools of this environment, and `gh:` for repositories beside the folder's.
    """
    home = folder.parent / "home"
    home.mkdir(exist_ok=True)
    config = home / "cookiecutterrc"
    config.write_text(f'abbreviations: {{"gh": "{folder.parents[1].as_uri()}/{{0}}.git"}}\n')
    uvx = home / "uvx"
    uvx.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m "$@"\n')
    uvx.chmod(0o755)
    known = {"HOME": str(home), "COOKIECUTTER_CONFIG": str(config), "PYTHONUTF8": "1"}
    hidden = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    author = {
        f"GIT_{role}_{what}": "test@example.com"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    path = {"PATH": os.pathsep.join([str(home), os.environ["PATH"]])}
    return subprocess.run(
        ["sh", "-e", "-c", commands],
        cwd=folder,
        env=os.environ | known | hidden | author | path,
        input="\n" * 20,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("begins", ["at once", "later"])
def test_git_alone_brings_a_new_version(origin: Path, tmp_path: Path, begins: str) -> None:
    at_once, later, update = blocks(WITH_GIT, "console")
    service = generate(tmp_path, origin)
    if begins == "at once":
        assert shell(service, at_once).returncode == 0
        work_on(service)
        commit(service)
    else:
        git(service, "init", "--quiet")
        work_on(service)
        commit(service)
        begun = shell(service, later)
        assert begun.returncode == 0, begun.stderr
    before = holds(service)
    release(origin)

    done = shell(service, update)

    assert done.returncode == 0, done.stdout + done.stderr
    assert git(service, "status", "--short") == ""
    package = service / "src" / "my_realtime_service"
    assert (package / "serving" / "cli.py").read_text().splitlines()[1] == '"""Commands."""'
    assert (package / "serving" / "added.py").exists()
    assert not (package / "serving" / "lookup.py").exists()
    settings = (package / "settings.py").read_text()
    assert '"""All settings:' in settings
    assert '    mine: str = ""' in settings
    after = holds(service)
    touched = {Path(name).name for name in before | after if before.get(name) != after.get(name)}
    assert touched == {"cli.py", "added.py", "lookup.py", "settings.py"}
    # What the branch holds is what the template makes, and nothing else.
    git(service, "switch", "--quiet", "template")
    assert holds(service) == holds(generate(tmp_path, origin))


def test_git_alone_has_a_conflict_only_where_both_sides_changed(
    origin: Path, tmp_path: Path
) -> None:
    at_once, _, update = blocks(WITH_GIT, "console")
    service = generate(tmp_path, origin)
    shell(service, at_once)
    work_on(service)
    commit(service)
    echo = origin / TREE.name / "src" / "{{cookiecutter.__package}}" / "views" / "echo.py"
    edit(echo, "class EchoView(", "# New.\nclass EchoView(")
    release(origin)

    done = shell(service, update)

    assert done.returncode == 1
    conflicts = git(service, "diff", "--name-only", "--diff-filter=U").split()
    assert conflicts == ["src/my_realtime_service/views/echo.py"]


def holds(service: Path) -> dict[str, bytes]:
    """Return what the files of a service hold, without git's own."""
    return {name: held for name, held in contents(service).items() if not name.startswith(".git/")}


def test_the_version_is_the_same_everywhere(baked: Bake) -> None:
    questionnaire = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    readme = (baked() / "README.md").read_text(encoding="utf-8")
    version = project["version"]
    assert questionnaire["_version"] == version
    assert f"made from version {version} of its template" in readme
    released = re.findall(r"(?m)^## \[?v?([0-9]+\.[0-9]+\.[0-9]+)", changelog)
    assert released[:1] in ([version], [])


@pytest.mark.parametrize("answers", COVERING, ids=named)
def test_a_file_of_the_templates_says_so_and_no_other_does(baked: Bake, answers: Answers) -> None:
    service = baked(**answers)
    for path in service.rglob("*"):
        if path.is_file():
            name = path.relative_to(service).as_posix()
            first = path.read_text(encoding="utf-8").splitlines()[:2]
            assert (owned(path) in first) == is_owned(name), name


@pytest.mark.parametrize("answers", COVERING, ids=named)
def test_what_is_yours_is_what_an_update_skips(baked: Bake, answers: Answers) -> None:
    service = baked(**answers)
    project = tomllib.loads((service / "pyproject.toml").read_text(encoding="utf-8"))
    skipped = set(project["tool"]["cruft"]["skip"])
    assert places_of(service, "README.md", "yours") == skipped
    names = [*contents(service)]
    assert all(
        any(below(name, (place,)) for place in skipped) == below(name, YOURS) for name in names
    )


@pytest.mark.parametrize("answers", COVERING, ids=named)
def test_the_documents_name_the_places_of_the_templates(baked: Bake, answers: Answers) -> None:
    service = baked(**answers)
    owned = {name for name in contents(service) if is_owned(name)}
    places = places_of(service, "README.md", "the template's")
    folders = places_of(service, "AGENTS.md", "the template's")
    commented = {name for name in contents(service) if Path(name).suffix in COMMENTED}
    assert {name for name in commented if below(name, tuple(places))} == owned
    assert {place for place in places if (service / place).is_dir()} == folders
    assert not [
        name for name in owned if Path(name).name[:2] != "__" and not below(name, (*folders,))
    ]


def places_of(service: Path, document: str, whose: str) -> set[str]:
    """Return the files and folders that a document of a service says are somebody's."""
    package = Path("src", package_of(service))
    found = {
        name.rstrip("/")
        for line in (service / document).read_text(encoding="utf-8").splitlines()
        if line.endswith(f"| {whose} |")
        for name in re.findall(r"`([^`]+)`", line.split("|")[1])
    }
    # What stands behind another name is in the same folder.
    return {name if [*service.glob(name)] else (package / name).as_posix() for name in found}


def owned_files() -> Iterator[Path]:
    """Yield the files of the template that become files of its own in a service."""
    choices = "|".join(re.escape(choice) for given in CHOICES.values() for choice in given)
    for path in sorted(TREE.rglob("*")):
        name = re.sub(f"(__({choices}))+(?=[.]|$)", "", path.relative_to(TREE).as_posix())
        if path.is_file() and "__pycache__" not in path.parts and is_owned(name):
            yield path


def main() -> None:
    """Write the line into the files that lack it."""
    for path in owned_files():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        if f"{owned(path)}\n" not in lines[:2]:
            lines.insert(1 if lines and lines[0].startswith("#!") else 0, f"{owned(path)}\n")
            path.write_text("".join(lines), encoding="utf-8", newline="\n")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
