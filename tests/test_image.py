# ruff: noqa: D103 - the name of a test says what it asserts
"""The image of a service: its Dockerfile is sound, and its steps make a service that runs."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from combinations import COVERING, Answers, named
from conftest import Bake
from environments import THIS, UV, environ, uv
from server import running

HADOLINT = Path(sys.executable).with_name("hadolint")
# A version that the service allows, and that nobody would get today who may choose.
OLD = "wsproto==1.2.0"
# What makes the machine inside of the image, which is this one here.
OF_THE_MACHINE = re.compile(r"pip install --no-cache-dir \S+|useradd .+")


def instructions(service: Path) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile, each with its arguments in one line."""
    text = (service / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines())]


def ignored(service: Path, name: str) -> bool:
    """Tell whether a file or folder of a service is kept out of the image."""
    rules = (service / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in rules
    return f"!{name}" not in rules


@dataclass
class Image:
    """What the steps of a Dockerfile make, without an engine: folders below another root."""

    service: Path
    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    command: list[str] = field(default_factory=list)
    check: list[str] = field(default_factory=list)
    user: str = "0"
    said: str = ""

    def inside(self, path: str) -> Path:
        """Return where a path of the image is here."""
        return self.root / path.lstrip("/") if path[0] == "/" else self.inside(self.folder) / path

    def build(self) -> None:
        """Follow the instructions."""
        for name, rest in instructions(self.service):
            if name and name not in ("EXPOSE", "STOPSIGNAL"):
                getattr(self, f"_{name.lower()}")(rest)

    def variables(self) -> dict[str, str]:
        """Return the environment of a process in the image."""
        found = environ(self.service, UV_PYTHON=THIS)
        del found["PYTHONPATH"]
        path = os.pathsep.join([str(Path(UV).parent), found["PATH"]])
        for name, value in self.environment.items():
            moved = re.sub(r"(?<![\w.$])/", f"{self.root}/", value)
            found[name] = moved.replace("$PATH", path)
        return {"PATH": path} | found

    def _from(self, rest: str) -> None:
        assert re.match(r"python:3\.\d+-slim( AS build)?$", rest), rest
        if self.root.exists():
            # What is not copied from it is not in the image.
            self.root.rename(self.root.with_name("build"))
        self.root.mkdir()
        self.environment, self.folder, self.user = {}, "/", "0"
        self.inside("/data").mkdir()

    def _env(self, rest: str) -> None:
        self.environment |= dict(part.split("=", 1) for part in shlex.split(rest))

    def _workdir(self, rest: str) -> None:
        self.folder = rest
        self.inside(rest).mkdir(exist_ok=True)

    def _user(self, rest: str) -> None:
        self.user = rest

    def _copy(self, rest: str) -> None:
        *sources, target = rest.split()
        if sources[0] == "--from=build":
            (_, source) = sources
            self.inside(target).parent.mkdir(parents=True, exist_ok=True)
            origin = self.root.with_name("build") / source.lstrip("/")
            shutil.copytree(origin, self.inside(target), symlinks=True)
            return
        for source in sources:
            assert not ignored(self.service, source.rstrip("*")), source
            found = [*self.service.glob(source)]
            assert found or "*" in source, source
            for origin in found:
                if origin.is_dir():
                    shutil.copytree(origin, self.inside(target))
                else:
                    shutil.copy(origin, self.inside(target) / origin.name)

    def _run(self, rest: str) -> None:
        if not OF_THE_MACHINE.fullmatch(rest):
            done = subprocess.run(
                ["sh", "-c", rest],
                cwd=self.inside(self.folder),
                env=self.variables(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            self.said += done.stdout + done.stderr
            assert done.returncode == 0, self.said

    def _cmd(self, rest: str) -> None:
        self.command = json.loads(rest)

    def _healthcheck(self, rest: str) -> None:
        self.check = json.loads(rest.partition(" CMD ")[2])


@pytest.mark.parametrize("answers", COVERING, ids=named)
def test_the_dockerfile_has_no_findings(baked: Bake, answers: Answers) -> None:
    file = baked(**answers) / "Dockerfile"
    command = [str(HADOLINT), "--failure-threshold", "style", "--no-color", str(file)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def image(bake: Bake, tmp_path: Path) -> Image:
    """Return the image of a service that has no uv.lock yet, before it is built."""
    service = bake(starter="minimal", project_slug="in-a-box")
    image = Image(service, tmp_path / "image" / "root")
    image.root.parent.mkdir()
    return image


def installed(image: Image) -> list[str]:
    """Return what is installed in an image, with the versions."""
    python = image.inside("/app/.venv/bin/python")
    return uv(image.service, "pip", "freeze", "--python", str(python)).splitlines()


def test_the_steps_of_the_image_make_a_service_that_runs(image: Image) -> None:
    uv(image.service, "lock", "--quiet", "--upgrade-package", OLD)
    (image.service / ".env").write_text("SECRET_KEY=secret\n")

    image.build()

    assert OLD in installed(image)
    assert image.user.isdigit()
    assert image.user != "0"
    assert ignored(image.service, ".env")
    assert sorted(path.name for path in image.inside("/app").iterdir()) == [".venv"]
    python = image.inside("/app/.venv/bin/python")
    assert not [line for line in installed(image) if re.match("(pytest|mypy|ruff)==", line)]

    variables = image.variables() | {"SECRET_KEY": "x" * 32, "HOST": "127.0.0.1", "PORT": "0"}
    command = shutil.which(image.command[0], path=variables["PATH"])
    assert command
    assert Path(command).is_relative_to(image.root)
    with running([command, *image.command[1:]], image.inside(image.folder), **variables) as server:
        port = server.url.rpartition(":")[2]
        check = [str(python), *image.check[1:]]
        healthy = subprocess.run(check, env=variables | {"PORT": port}, check=False)
        assert healthy.returncode == 0
        server.terminate()
        assert server.process.wait(30) == 0
        unhealthy = subprocess.run(
            check, env=variables | {"PORT": port}, capture_output=True, check=False
        )
        assert unhealthy.returncode == 1
    assert list(image.inside("/data").iterdir()) == []


def test_an_image_without_a_lock_file_says_so_and_holds_the_newest(image: Image) -> None:
    image.build()

    assert "There is no uv.lock" in image.said
    assert [line for line in installed(image) if line.startswith("wsproto==") and line != OLD]


def test_an_image_is_not_built_from_a_lock_file_that_is_out_of_date(image: Image) -> None:
    uv(image.service, "lock", "--quiet")
    project = image.service / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace('"redis>=6.4,<9"', '"redis>=6.4,<8"'), encoding="utf-8")

    with pytest.raises(AssertionError, match="needs to be updated"):
        image.build()


def test_the_image_does_not_start_without_a_secret(baked: Bake) -> None:
    environment = dict(
        part.split("=", 1)
        for name, rest in instructions(baked())
        if name == "ENV"
        for part in shlex.split(rest)
    )
    assert environment["ENVIRONMENT"] == "production"
    assert not {name for name in environment if "SECRET" in name or "PASSWORD" in name}
    stops = [rest for name, rest in instructions(baked()) if name == "STOPSIGNAL"]
    assert stops == ["SIGTERM"]
