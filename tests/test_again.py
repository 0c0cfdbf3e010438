# ruff: noqa: D103 - the name of a test says what it asserts
"""Generating where a service is already: what is written again, and what is its owner's."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path, PurePath

import pytest
from conftest import ROOT, Bake, generate, run
from cookiecutter.exceptions import FailedHookException  # type: ignore[import-untyped]
from cookiecutter.main import cookiecutter  # type: ignore[import-untyped]
from test_updates import commit, cruft, fill, git

from local_extensions import obstacle

AGAIN = ("--no-input", "--overwrite-if-exists")
SKIPPING = (*AGAIN, "--skip-if-file-exists")
# Names that the template might take for its own: as it has them, or for one choice.
MINE = (
    "notes__gevent.md",
    "LICENSE__MIT",
    "mine.py",
    ".venv/lib/test__threading.py",
    ".git/refs/heads/fix__minimal",
    "deploy/mine__eventlet.conf",
    "src/my_realtime_service/mine__flask-classy.py",
    "src/my_realtime_service/models__chat.py",
    "src/my_realtime_service/views/mine__minimal.py",
    "src/my_realtime_service/views/mine__chat.py",
    "src/my_realtime_service/chat/mine.py",
    "src/my_realtime_service/flask_view/mine.py",
    "tests/mine__chat.py",
)
# Files that the template has in one form, in several, and copied as they are.
EDITED = (
    "README.md",
    "LICENSE",
    "deploy/nginx.conf",
    ".github/workflows/ci.yml",
    "src/my_realtime_service/models.py",
    "src/my_realtime_service/serving/process/server.py",
    "src/my_realtime_service/views/chat.py",
    "src/my_realtime_service/flask_view/view.py",
    "src/my_realtime_service/flask_view/class_views.py",
    "src/my_realtime_service/static/chat.css",
    "src/my_realtime_service/templates/home.html",
)
Obstacle = Callable[[Path], object]


def everything(service: Path) -> dict[str, object]:
    """Return what is in a folder, by name: what files hold and may, where links lead, folders."""
    found: dict[str, object] = {}
    for path in sorted(service.rglob("*")):
        name = path.relative_to(service).as_posix()
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            found[name] = path.read_bytes(), path.stat().st_mode
        else:
            found[name] = None
    return found


@pytest.fixture
def service(baked: Bake, tmp_path: Path) -> Path:
    """Return a service of the default answers that somebody has worked on."""
    service = tmp_path / "my-realtime-service"
    shutil.copytree(baked(), service)
    for name in MINE:
        (service / name).parent.mkdir(parents=True, exist_ok=True)
        (service / name).write_text(f"mine: {name}\n")
    (service / "mine.py").chmod(0o400)
    (service / "empty").mkdir()
    (service / "src" / "my_realtime_service" / "views" / "drafts").mkdir()
    (tmp_path / "elsewhere").write_text("elsewhere\n")
    (service / "link__eventlet").symlink_to(tmp_path / "elsewhere")
    (service / "loose__chat").symlink_to(tmp_path / "nowhere")
    for name in EDITED:
        (service / name).write_text(f"edited: {name}\n")
    return service


def test_the_templates_files_are_overwritten_and_no_others(
    service: Path, baked: Bake, tmp_path: Path
) -> None:
    before = everything(service)
    done = run(tmp_path, ROOT, *AGAIN)
    assert done.returncode == 0, done
    assert everything(service) == before | everything(baked())
    assert (tmp_path / "elsewhere").read_text() == "elsewhere\n"
    assert not (tmp_path / "nowhere").exists()


def test_no_file_that_exists_is_touched_when_they_are_to_be_skipped(
    service: Path, baked: Bake, tmp_path: Path
) -> None:
    gone = "src/my_realtime_service/views/home.py"
    (service / gone).unlink()
    before = everything(service)
    done = run(tmp_path, ROOT, *SKIPPING)
    assert done.returncode == 0, done
    assert everything(service) == before | {gone: everything(baked())[gone]}


@pytest.mark.parametrize("skips", [True, False])
def test_other_answers_add_files_and_take_none_away(
    service: Path, baked: Bake, tmp_path: Path, skips: bool
) -> None:
    answers = {"starter": "minimal", "async_mode": "gevent", "license": "Proprietary"}
    package = service / "src" / "my_realtime_service"
    shutil.rmtree(package / "static")
    shutil.rmtree(package / "migrations")
    (package / "migrations").mkdir()
    before = everything(service)
    options = SKIPPING if skips else AGAIN
    done = run(tmp_path, ROOT, *options, *(f"{name}={each}" for name, each in answers.items()))
    assert done.returncode == 0, done
    added = everything(baked(**answers))
    assert everything(service) == (added | before if skips else before | added)


@pytest.mark.parametrize("skips", [True, False])
def test_a_program_that_generates_again_is_served_alike(
    service: Path, baked: Bake, tmp_path: Path, skips: bool
) -> None:
    before, fresh = everything(service), everything(baked())
    config = tmp_path / "cookiecutterrc"
    config.write_text(f"replay_dir: {tmp_path}/replay\n")
    cookiecutter(
        str(ROOT),
        no_input=True,
        output_dir=str(tmp_path),
        config_file=str(config),
        overwrite_if_exists=True,
        skip_if_file_exists=skips,
    )
    assert everything(service) == (fresh | before if skips else before | fresh)


def test_no_hook_is_needed(baked: Bake, tmp_path: Path) -> None:
    done = run(tmp_path, ROOT, "--no-input", "--accept-hooks=no", "starter=minimal")
    assert done.returncode == 0, done
    assert everything(tmp_path / "my-realtime-service") == everything(baked(starter="minimal"))


def test_a_folder_that_exists_is_refused_without_a_word_of_overwriting(
    service: Path, tmp_path: Path
) -> None:
    before = everything(service)
    done = run(tmp_path, ROOT, "--no-input")
    assert done.returncode == 1
    assert "directory already exists" in done.stdout
    assert everything(service) == before


def file_for_folder(package: Path) -> None:
    shutil.rmtree(package / "views")
    (package / "views").write_text("mine\n")


def file_above_a_folder(package: Path) -> None:
    shutil.rmtree(package / "migrations")
    (package / "migrations").write_text("mine\n")


def folder_for_file(package: Path) -> None:
    (package / "models.py").unlink()
    (package / "models.py").mkdir()


def link_for_file(package: Path) -> None:
    (package / "models.py").unlink()
    (package / "models.py").symlink_to(package.parents[2] / "elsewhere")


def link_to_nothing(package: Path) -> None:
    (package / "models.py").unlink()
    (package / "models.py").symlink_to(package.parents[2] / "nowhere")


def link_for_folder(package: Path) -> None:
    shutil.rmtree(package / "static")
    (package / "static").symlink_to(package.parents[2] / "nowhere")


def pipe_for_file(package: Path) -> None:
    (package / "models.py").unlink()
    os.mkfifo(package / "models.py")


OBSTACLES: dict[str, tuple[Obstacle, str, str]] = {
    "a file for a folder": (file_for_folder, "views", "is no folder"),
    "a file above a folder": (file_above_a_folder, "migrations", "is no folder"),
    "a folder for a file": (folder_for_file, "models.py", "is no file"),
    "a link": (link_for_file, "models.py", "is a link, and"),
    "a link to nothing": (link_to_nothing, "models.py", "is a link that leads nowhere"),
    "a link for a folder": (link_for_folder, "static", "is no folder"),
    "a pipe": (pipe_for_file, "models.py", "is no file"),
}
ALWAYS_IN_THE_WAY = {
    "a file for a folder",
    "a file above a folder",
    "a link to nothing",
    "a link for a folder",
}


@pytest.mark.parametrize("which", OBSTACLES)
def test_what_is_in_the_way_is_named_before_a_file_is_written(
    service: Path, tmp_path: Path, which: str
) -> None:
    put, name, reason = OBSTACLES[which]
    package = service / "src" / "my_realtime_service"
    put(package)
    before = everything(service)
    done = run(tmp_path, ROOT, *AGAIN)
    assert done.returncode == 1, done
    assert f"  {PurePath('src/my_realtime_service', name)} {reason}" in done.stdout
    assert done.stdout.endswith("Nothing was written.\n")
    assert "Traceback" not in done.stderr
    assert everything(service) == before
    assert (tmp_path / "elsewhere").read_text() == "elsewhere\n"

    skipped = run(tmp_path, ROOT, *SKIPPING)
    assert skipped.returncode == (which in ALWAYS_IN_THE_WAY), skipped
    assert everything(service) == before
    assert not (tmp_path / "nowhere").exists()


def test_what_only_other_answers_need_may_be_in_the_way(service: Path, tmp_path: Path) -> None:
    link_for_folder(service / "src" / "my_realtime_service")
    done = run(tmp_path, ROOT, *AGAIN, "starter=minimal")
    assert done.returncode == 1
    assert "static is a link that leads nowhere" in done.stdout
    assert "Traceback" not in done.stderr


def test_everything_in_the_way_is_in_one_message(service: Path, tmp_path: Path) -> None:
    package = service / "src" / "my_realtime_service"
    link_for_file(package)
    file_for_folder(package)
    done = run(tmp_path, ROOT, *AGAIN)
    assert f"In the way of the service in {service}: 2\n" in done.stdout
    assert done.stdout.count("is no folder") == 1


def test_what_may_not_be_written_is_in_the_way(
    service: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever runs the tests may be somebody who may write everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    readme, lost = PurePath("README.md"), PurePath("deploy", "lost.conf")
    assert obstacle(service, readme, True, False) == (readme, "may not be written")
    assert obstacle(service, readme, True, True) == (readme, "")
    for skips in (True, False):
        where, reason = obstacle(service, lost, True, skips)
        assert (str(where), reason) == ("deploy", "is a folder that nothing may be written into")


def test_a_program_that_generates_again_hears_what_is_in_the_way(
    service: Path, tmp_path: Path
) -> None:
    link_for_file(service / "src" / "my_realtime_service")
    generated = generate(tmp_path, ROOT)
    shutil.rmtree(generated)
    shutil.move(service, generated)
    with pytest.raises(FailedHookException, match="is a link"):
        cookiecutter(
            str(ROOT),
            no_input=True,
            output_dir=str(generated.parent),
            config_file=str(tmp_path / "cookiecutterrc"),
            overwrite_if_exists=True,
        )


def test_cruft_generates_again_as_well(service: Path, baked: Bake, tmp_path: Path) -> None:
    before = everything(service)
    template = tmp_path / "template"
    fill(template)
    git(template, "init", "--quiet")
    commit(template)
    cruft(tmp_path, "create", str(template), *AGAIN)
    found = everything(service)
    assert found.pop(".cruft.json")
    assert found == before | everything(baked())
