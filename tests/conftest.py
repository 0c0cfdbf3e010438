"""What the tests of the template share: generating a service, and being refused one."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter  # type: ignore[import-untyped]
from redis_server import Redis, redis

ROOT = Path(__file__).resolve().parent.parent
# cookiecutter does the same for the time it runs.
sys.path.append(str(ROOT))

from local_extensions import argument  # noqa: E402

Bake = Callable[..., Path]
Refuse = Callable[..., str]


def generate(folder: Path, template: Path, **answers: str) -> Path:
    """Generate a service below a folder, with every answer arriving as it is typed here."""
    config = folder / "cookiecutterrc"
    config.write_text(f"replay_dir: {folder}/replay\ncookiecutters_dir: {folder}/cookiecutters\n")
    given = dict(argument(*answer).split("=", 1) for answer in answers.items())
    output = tempfile.mkdtemp(dir=folder)
    return Path(
        cookiecutter(
            str(template),
            no_input=True,
            extra_context=given,
            output_dir=output,
            config_file=str(config),
        )
    )


def once(folders: pytest.TempPathFactory) -> Bake:
    """Return a function that generates a service the first time that its answers are asked for."""
    known: dict[str, Path] = {}

    def bake(**answers: str) -> Path:
        key = json.dumps(answers, sort_keys=True)
        if key not in known:
            known[key] = generate(folders.mktemp("baked"), ROOT, **answers)
        return known[key]

    return bake


def run(
    home: Path, *arguments: str | Path, typed: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the real command in a folder, with a home of its own."""
    config = home / "cookiecutterrc"
    config.write_text(f"replay_dir: {home}/replay\ncookiecutters_dir: {home}/cookiecutters\n")
    return subprocess.run(
        [sys.executable, "-m", "cookiecutter", *arguments],
        cwd=home,
        env=os.environ
        | {"HOME": str(home), "COOKIECUTTER_CONFIG": str(config), "PYTHONUTF8": "1"}
        | variables,
        input=typed,
        stdin=subprocess.DEVNULL if typed is None else None,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def bake(tmp_path: Path) -> Bake:
    """`bake(**answers)`: the folder of a service generated with these answers."""

    def bake(**answers: str) -> Path:
        return generate(tmp_path, ROOT, **answers)

    return bake


@pytest.fixture(scope="session")
def baked(tmp_path_factory: pytest.TempPathFactory) -> Bake:
    """`baked(**answers)`: made once for all tests of a session, to be read and not to be run."""
    return once(tmp_path_factory)


@pytest.fixture
def refuse(tmp_path: Path) -> Refuse:
    """`refuse(**answers)`: what the command prints when it writes nothing for these answers."""

    def refuse(**answers: str) -> str:
        output = tmp_path / "refused"
        output.mkdir()
        given = [argument(*answer) for answer in answers.items()]
        refused = run(tmp_path, ROOT, "--no-input", "--output-dir", output, *given)
        assert refused.returncode == 1, refused
        assert not list(output.iterdir())
        output.rmdir()
        return refused.stdout + refused.stderr

    return refuse


@pytest.fixture
def broker() -> Iterator[Redis]:
    """Return a broker of the test's own."""
    with redis() as server:
        yield server
