"""How long the first minute takes: from nothing to a service that answers.

    uv run python benchmarks/first_minute.py [--rounds 9] [--cold] [template]

First, what generating takes, against a template of one file; the two in turns, the whole command
each. The ratio is that of the medians. Then, from an empty folder to the first answer over HTTP:
the command that generates, and the one that starts, which makes the environment before. With the
packages in uv's cache, and with `--cold` also with an empty one, so that the network counts.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

import uv

ROOT = Path(__file__).resolve().parent.parent
UV = uv.find_uv_bin()
SERVING = re.compile(r"Serving on http://([^:]+):(\d+)")
# What the environment of this benchmark would change in that of the service.
HIDDEN = {"VIRTUAL_ENV", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT"}


def bare(folder: Path) -> Path:
    """Write a template of one file, and return it."""
    project = folder / "bare" / "{{cookiecutter.project_slug}}"
    project.mkdir(parents=True)
    (project / "README.md").write_text("# {{ cookiecutter.project_slug }}\n", encoding="utf-8")
    (folder / "bare" / "cookiecutter.json").write_text('{"project_slug": "x"}', encoding="utf-8")
    return folder / "bare"


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a user who does all of it for the first time."""
    home.mkdir(exist_ok=True)
    (home / "rc").write_text(f"replay_dir: {home}\ncookiecutters_dir: {home}\n", encoding="utf-8")
    known = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    return known | {"COOKIECUTTER_CONFIG": str(home / "rc"), "PORT": "0"}


def generate(command: list[str], template: Path, folder: Path) -> float:
    """Generate into a new folder, and return the seconds that it took."""
    output = Path(tempfile.mkdtemp(dir=folder))
    begun = time.perf_counter()
    subprocess.run(
        [*command, str(template), "--no-input", "--output-dir", str(output)],
        env=environment(folder / "home"),
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    return time.perf_counter() - begun


def compare(template: Path, rounds: int, folder: Path) -> None:
    """Print what generating takes, against the template of one file."""
    command = [sys.executable, "-m", "cookiecutter"]
    seconds: dict[str, list[float]] = {"one file": [], "this template": []}
    templates = {"one file": bare(folder), "this template": template}
    for _ in range(rounds):
        for name, place in templates.items():
            seconds[name].append(generate(command, place, folder))
    for name, found in seconds.items():
        print(f"generate, {name:14} {statistics.median(found):6.2f} s, at best {min(found):.2f} s")
    medians = [statistics.median(found) for found in seconds.values()]
    print(f"generate, ratio          {medians[1] / medians[0]:6.2f}")


def first_answer(service: Path, variables: dict[str, str]) -> float:
    """Start a service by its command, and return the seconds until it has answered."""
    log = service.parent / "log"
    begun = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [UV, "run", service.name],
            cwd=service,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        while not (printed := SERVING.search(log.read_text(encoding="utf-8"))):
            if process.poll() is not None:
                raise RuntimeError(log.read_text(encoding="utf-8"))
            time.sleep(0.005)
        connection = HTTPConnection(printed[1], int(printed[2]), timeout=60)
        connection.request("GET", "/echo")
        if connection.getresponse().status != 200:
            raise RuntimeError(log.read_text(encoding="utf-8"))
        return time.perf_counter() - begun
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def first_minute(template: Path, cache: str, folder: Path) -> tuple[float, float]:
    """Return the seconds to generate and those to the first answer.

    :param cache: the folder of uv's cache; nothing means the user's own.
    """
    variables = environment(folder / "home") | ({"UV_CACHE_DIR": cache} if cache else {})
    output = Path(tempfile.mkdtemp(dir=folder))
    command = [UV, "tool", "run", "--isolated", "cookiecutter", str(template), "--no-input"]
    begun = time.perf_counter()
    subprocess.run(
        [*command, "--output-dir", str(output)],
        env=variables,
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    generated = time.perf_counter() - begun
    (service,) = output.iterdir()
    return generated, first_answer(service, variables)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("template", type=Path, nargs="?", default=ROOT)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--cold", action="store_true", help="also with an empty package cache")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        compare(arguments.template.resolve(), arguments.rounds, folder)
        # The first of these fills the cache, and is not counted.
        rounds = {"warm": [""] * 4}
        if arguments.cold:
            rounds["cold"] = [str(folder / "cache")]
        for name, caches in rounds.items():
            found = [first_minute(arguments.template.resolve(), cache, folder) for cache in caches]
            counted = found[1:] or found
            generating, starting = (
                statistics.median(column) for column in zip(*counted, strict=True)
            )
            print(
                f"{name}: generate {generating:.1f} s, first answer {starting:.1f} s later; "
                f"together {generating + starting:.1f} s"
            )


if __name__ == "__main__":
    main()
