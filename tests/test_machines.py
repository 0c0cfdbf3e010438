# ruff: noqa: D103 - the name of a test says what it asserts
"""Machines that are not like this one: other disks, folders, locales, rights, and no network."""

import os
import re
import stat
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from combinations import EVERY_CODE, NAMES, Answers, named
from conftest import ROOT, Bake, run
from environments import run_python
from server import package_of
from test_updates import contents, fill, git

from local_extensions import WINDOWS

TREE = ROOT / "{{cookiecutter.project_slug}}"
# Windows opens no path of 260 characters; this much is left for where people keep their work.
LONGEST_PATH = 165
FORBIDDEN = set('<>:"|?*\\') | {chr(code) for code in range(32)}
# The first thing that a Python imports: it lets nothing out, and says what is started.
GUARD = """
import sys

def guard(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "os.system"):
        raise RuntimeError(f"{event} {arguments}")

sys.addaudithook(guard)
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of the template as it is in the working tree."""
    folder = tmp_path_factory.mktemp("checkout") / "template"
    fill(folder)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--no-verify", "--message=Template")
    return folder


def assert_any_disk_holds(names: list[str]) -> None:
    """Assert that Windows, macOS and Linux keep these files, and keep them apart."""
    for name in names:
        assert len(name) <= LONGEST_PATH, name
        assert unicodedata.normalize("NFC", name) == name
        assert name.isascii(), name
        for part in Path(name).parts:
            assert not FORBIDDEN & set(part), name
            assert not part.endswith((".", " ")), name
            assert part.split(".")[0].lower() not in WINDOWS, name
    places = {parent.as_posix() for name in names for parent in (Path(name), *Path(name).parents)}
    assert len({place.casefold() for place in places}) == len(places)


def assert_line_ends_are_kept(folder: Path, tmp_path: Path) -> None:
    """Assert that a git that would like to change line ends, as on Windows, leaves them."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "-c", "core.autocrlf=true", str(folder), str(clone))
    names = git(folder, "ls-files", "-z").strip("\0").split("\0")
    for name in names:
        content = (folder / name).read_bytes()
        assert (clone / name).read_bytes() == content, name
        assert b"\r" not in content or Path(name).suffix in (".bat", ".cmd", ".png"), name
    attributes = git(folder, "check-attr", "eol", "binary", "--", *names).splitlines()
    assert len(attributes) == 2 * len(names)
    ruled = {line.split(": ")[0] for line in attributes if re.search(r": (lf|crlf|set)$", line)}
    assert len(ruled) == len(names)


def test_any_disk_holds_the_template(checkout: Path) -> None:
    assert_any_disk_holds(git(checkout, "ls-files", "-z").strip("\0").split("\0"))


def test_any_disk_holds_a_service_with_the_longest_name(baked: Bake) -> None:
    service = baked(project_slug=NAMES[2])
    assert_any_disk_holds([f"{service.name}/{name}" for name in contents(service)])


@pytest.mark.full
@pytest.mark.parametrize("answers", EVERY_CODE, ids=named)
def test_any_disk_holds_any_service(baked: Bake, answers: Answers) -> None:
    assert_any_disk_holds([*contents(baked(**answers))])


def test_git_keeps_the_line_ends_of_the_template(checkout: Path, tmp_path: Path) -> None:
    assert_line_ends_are_kept(checkout, tmp_path)


def test_git_keeps_the_line_ends_of_a_service(bake: Bake, tmp_path: Path) -> None:
    service = bake()
    git(service, "init", "--quiet")
    git(service, "add", "--all")
    git(service, "commit", "--quiet", "--message=Service")
    assert_line_ends_are_kept(service, tmp_path)


def test_any_folder_can_hold_template_and_service(tmp_path: Path) -> None:
    folder = tmp_path / "Größe & Glück 🚀 (100%)"
    fill(folder / "my template")
    done = run(folder, folder / "my template", "--no-input", "--output-dir", folder / "it's here")
    assert done.returncode == 0, done.stderr
    service = folder / "it's here" / "my-realtime-service"
    assert command(service, "routes").stdout.count("/echo") >= 2
    assert command(service, "new-view", "rooms").returncode == 0
    assert (service / "tests" / "test_rooms.py").is_file()


@pytest.mark.full
@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
def test_the_tests_of_a_service_pass_in_any_folder(tmp_path: Path, mode: str) -> None:
    folder = tmp_path / "Größe & Glück 🚀 (100%)"
    folder.mkdir()
    assert run(folder, ROOT, "--no-input", f"async_mode={mode}").returncode == 0
    assert_tests_pass(folder / "my-realtime-service")


def command(service: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of a service."""
    return run_python(service, 600, "-m", package_of(service), *arguments, **settings)


def assert_tests_pass(service: Path, **settings: str) -> None:
    """Assert that the tests of a service pass."""
    options = ("-q", "-p", "no:cacheprovider")
    done = run_python(service, 600, "-m", "pytest", *options, **settings)
    assert done.returncode == 0, done.stdout + done.stderr


def generated(folder: Path, **variables: str) -> Path:
    """Generate a service in another environment, and return its folder."""
    answers = ("project_name=Größe 🚀", "project_slug=service")
    done = run(folder, ROOT, "--no-input", *answers, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    warned = [line for line in done.stderr.splitlines() if "EncodingWarning" in line]
    # What libraries open is theirs.
    assert not [line for line in warned if "site-packages" not in line]
    service = folder / "service"
    assert (service / "README.md").read_text(encoding="utf-8").startswith("# Größe 🚀\n")
    return service


def test_no_file_is_opened_without_saying_its_encoding(tmp_path: Path) -> None:
    service = generated(
        tmp_path, PYTHONWARNDEFAULTENCODING="1", PYTHONWARNINGS="always::EncodingWarning"
    )
    for arguments in (["routes"], ["events"], ["new-view", "rooms"]):
        done = command(
            service,
            *arguments,
            PYTHONWARNDEFAULTENCODING="1",
            PYTHONWARNINGS="always::EncodingWarning",
        )
        assert done.returncode == 0, done.stderr
        ours = [line for line in done.stderr.splitlines() if str(service) in line]
        assert not [line for line in ours if "EncodingWarning" in line]


@pytest.mark.full
def test_the_tests_of_a_service_say_every_encoding(bake: Bake) -> None:
    service = bake()
    arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "always")
    done = run_python(service, 600, *arguments, PYTHONWARNDEFAULTENCODING="1")
    assert done.returncode == 0, done.stdout
    warned = [line for line in done.stdout.splitlines() if "EncodingWarning" in line]
    assert not [line for line in warned if str(service) in line]


def test_the_locale_c_is_enough(tmp_path: Path) -> None:
    service = generated(tmp_path, LC_ALL="C", LANG="C", PYTHONUTF8="")
    assert command(service, "routes", LC_ALL="C", LANG="C", PYTHONUTF8="").returncode == 0


@pytest.mark.full
@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
def test_the_tests_of_a_service_pass_in_the_locale_c(bake: Bake, mode: str) -> None:
    assert_tests_pass(bake(async_mode=mode), LC_ALL="C", LANG="C", PYTHONUTF8="")


def test_neither_git_nor_a_network_is_needed(tmp_path: Path) -> None:
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    generated(tmp_path, PATH=str(guard), PYTHONPATH=str(guard))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_what_nobody_else_may_read_works_as_well(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        service = generated(tmp_path)
        command(service, "new-view", "rooms")
    finally:
        os.umask(before)
    for path in [service, *service.rglob("*")]:
        rights = stat.S_IMODE(path.stat().st_mode)
        assert rights & stat.S_IRUSR
        assert rights & stat.S_IWUSR
        assert not path.is_dir() or rights == stat.S_IRWXU, path
    assert command(service, "events").returncode == 0


@pytest.mark.parametrize("what", ["folder", "empty folder", "file", "link"])
def test_what_is_there_is_never_touched(tmp_path: Path, what: str) -> None:
    target, other = tmp_path / "my-realtime-service", tmp_path / "other"
    if what == "file":
        target.write_text("mine")
    elif what == "link":
        other.mkdir()
        target.symlink_to(other, target_is_directory=True)
    else:
        target.mkdir()
    if what == "folder":
        (target / "README.md").write_text("mine")
    before = snapshot(tmp_path)
    done = run(tmp_path, ROOT, "--no-input")
    assert done.returncode != 0
    assert "my-realtime-service" in done.stdout + done.stderr
    assert snapshot(tmp_path) == before


def snapshot(folder: Path) -> dict[str, tuple[float, bytes]]:
    """Return when what is in a folder was changed, and what it holds."""
    return {
        str(path): (path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
        if path.name != "cookiecutterrc" and "replay" not in path.parts
    }
