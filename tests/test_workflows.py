# ruff: noqa: D103 - the name of a test says what it asserts
"""The workflows of the template and of its services: what they may do, use and run."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import programs
import pytest
import yaml
from conftest import ROOT, Bake
from environments import UV, uv

SERVICE = ROOT / "{{cookiecutter.project_slug}}"
WORKFLOWS = [
    *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
    *sorted((SERVICE / ".github" / "workflows").glob("*.yml")),
]
DEPENDABOT = {
    "template": ROOT / ".github" / "dependabot.yml",
    "service": SERVICE / ".github" / "dependabot.yml",
}
# What Dependabot looks at in a folder, by the kind of what it updates.
MANIFESTS = {
    "docker": "Dockerfile",
    "docker-compose": "compose.yaml",
    "github-actions": "*.yml",
    "uv": "pyproject.toml",
}
# owner/name@commit # version
PINNED = re.compile(r"\s*- uses: [\w-]+/[\w./-]+@[0-9a-f]{40} # v[0-9]+(\.[0-9]+)+")
# Commands that make the machine ready, that ask for what the jobs before have found, or that find
# out what to check.
OF_MACHINES = re.compile(
    r"if \[ -f uv\.lock \]; then\n(?s:.+)\nfi\n"
    r"|for file in \$\(git grep (?s:.+)\ndone\n"
    r"|uv python install [0-9. ]+|test \"\$RESULTS\" = .+"
)


@pytest.fixture(
    params=WORKFLOWS,
    ids=[f"{'service' if SERVICE in w.parents else 'template'}-{w.stem}" for w in WORKFLOWS],
)
def path(request: pytest.FixtureRequest) -> Path:
    """Return the file of a workflow."""
    workflow: Path = request.param
    return workflow


@pytest.fixture
def workflow(path: Path) -> dict[str, Any]:
    """Return a workflow."""
    parsed: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return parsed


def commands(workflow: dict[str, Any]) -> list[str]:
    """Return the commands of a workflow."""
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step]


def test_an_action_is_pinned_to_a_commit_that_says_its_version(path: Path) -> None:
    used = [line for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    assert used
    assert not [line for line in used if not PINNED.fullmatch(line)]


def test_one_action_has_one_pin_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for workflow in WORKFLOWS:
        for action, pin in re.findall(r"uses: (\S+)@(.+)", workflow.read_text(encoding="utf-8")):
            pins.setdefault(action, set()).add(pin)
    assert all(len(found) == 1 for found in pins.values()), pins


def test_a_workflow_may_only_read(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_no_job_runs_for_ever(workflow: dict[str, Any]) -> None:
    assert all(job["timeout-minutes"] <= 120 for job in workflow["jobs"].values())


def test_a_command_has_no_words_from_outside(workflow: dict[str, Any]) -> None:
    assert not [command for command in commands(workflow) if "${{" in command]


def test_the_commands_are_those_that_people_are_told(path: Path, workflow: dict[str, Any]) -> None:
    home = SERVICE if SERVICE in path.parents else ROOT
    documents = [home / "README.md", home / "CONTRIBUTING.md"]
    told = " ".join(page.read_text(encoding="utf-8") for page in documents if page.exists())
    told += (ROOT / ".ci" / "run").read_text(encoding="utf-8") if home == ROOT else ""
    run = [command for command in commands(workflow) if not OF_MACHINES.fullmatch(command)]
    assert run
    # People let the formatter write, and read in what ways to call the script.
    as_told = [re.sub(r" --check$|^(bash \.ci/run) .*", r"\1", command) for command in run]
    assert not [command for command in as_told if command not in told]


def test_the_tests_run_by_the_command_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "uv run pytest" in readme
    assert 'REQUIRE_PROGRAMS=1 uv run pytest "$@"' in script.splitlines()


@pytest.mark.parametrize("name", ["ci", "weekly"])
def test_one_job_stands_for_all_others_that_must_not_fail(name: str) -> None:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    gate = jobs.pop("gate")
    assert gate["if"] == "always()"
    required = [job for job, content in jobs.items() if "continue-on-error" not in content]
    assert sorted(gate["needs"]) == sorted(required)
    (step,) = gate["steps"]
    assert step["run"] == f'test "$RESULTS" = "{" ".join("success" for _ in required)}"'


def test_only_the_job_with_development_versions_may_fail(workflow: dict[str, Any]) -> None:
    may_fail = {name for name, job in workflow["jobs"].items() if "continue-on-error" in job}
    assert may_fail <= {"development"}
    for name in may_fail:
        assert workflow["jobs"][name]["env"]["DEPENDENCIES"] == "development"


def install(service: Path) -> "subprocess.CompletedProcess[str]":
    """Install a service as its workflow does, in a shell as GitHub starts it."""
    workflow = yaml.safe_load((service / ".github" / "workflows" / "ci.yml").read_text("utf-8"))
    (script,) = {command for command in commands(workflow) if "uv sync" in command}
    hidden = {"VIRTUAL_ENV", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT"}
    known = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=service,
        env=known | {"PATH": os.pathsep.join([str(Path(UV).parent), known["PATH"]])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def test_a_service_is_checked_with_the_versions_of_its_lock_file(bake: Bake) -> None:
    service = bake(starter="minimal")
    uv(service, "lock", "--quiet", "--upgrade-package", "wsproto==1.2.0")
    locked = (service / "uv.lock").read_bytes()

    done = install(service)

    assert done.returncode == 0, done.stderr
    assert "::warning::" not in done.stdout
    assert "wsproto==1.2.0" in uv(service, "pip", "freeze")
    assert (service / "uv.lock").read_bytes() == locked


def test_a_service_without_a_lock_file_is_checked_with_a_warning(bake: Bake) -> None:
    done = install(bake(starter="minimal"))
    assert done.returncode == 0, done.stderr
    assert "::warning::There is no uv.lock" in done.stdout


def test_a_lock_file_that_is_out_of_date_fails_the_check(bake: Bake) -> None:
    service = bake(starter="minimal")
    uv(service, "lock", "--quiet")
    project = service / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace('"redis>=6.4,<9"', '"redis>=6.4,<8"'), encoding="utf-8")

    done = install(service)

    assert done.returncode != 0
    assert "needs to be updated" in done.stderr


@pytest.mark.parametrize("home", DEPENDABOT)
def test_what_is_updated_is_where_dependabot_looks_for_it(home: str) -> None:
    path = DEPENDABOT[home]
    dependabot = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert dependabot.keys() == {"version", "updates"}
    assert dependabot["version"] == 2
    for update in dependabot["updates"]:
        assert update["schedule"] == {"interval": "weekly"}
        assert all(group["patterns"] == ["*"] for group in update["groups"].values())
        assert update.keys() - {"ignore", "versioning-strategy", "directories", "directory"} == {
            *("package-ecosystem", "schedule", "groups")
        }
        for folder in looked_into(path.parents[1], update):
            assert list(folder.glob(MANIFESTS[update["package-ecosystem"]])), folder


def test_dependabot_sees_all_that_has_versions() -> None:
    seen = {
        (home, update["package-ecosystem"], folder)
        for home, path in DEPENDABOT.items()
        for update in yaml.safe_load(path.read_text(encoding="utf-8"))["updates"]
        for folder in looked_into(path.parents[1], update)
    }
    assert seen == {
        ("template", "uv", ROOT),
        ("template", "github-actions", ROOT / ".github" / "workflows"),
        ("template", "github-actions", SERVICE / ".github" / "workflows"),
        ("template", "docker", SERVICE),
        ("service", "uv", SERVICE),
        ("service", "github-actions", SERVICE / ".github" / "workflows"),
        ("service", "docker", SERVICE),
        ("service", "docker-compose", SERVICE),
    }


def looked_into(home: Path, update: dict[str, Any]) -> list[Path]:
    """Return the folders that Dependabot looks into for one kind of updates.

    Only `directories` are patterns. Workflows it finds from the root of a repository, and nowhere
    else but in the folder itself.
    """
    workflows = update["package-ecosystem"] == "github-actions"
    root = home / ".github" / "workflows" if workflows else home
    if "directory" in update:
        return [root if update["directory"] == "/" else home / update["directory"].strip("/")]
    patterns = [pattern.strip("/") for pattern in update["directories"]]
    return [found for name in patterns for found in (home.glob(name) if name else [root])]


@pytest.mark.parametrize(
    ("required", "outcome"), [(True, pytest.fail.Exception), (False, pytest.skip.Exception)]
)
def test_a_missing_program_fails_where_programs_are_required(
    monkeypatch: pytest.MonkeyPatch, required: bool, outcome: type[BaseException]
) -> None:
    monkeypatch.setattr(programs, "REQUIRED", required)
    with pytest.raises(outcome, match="no-such-program is not installed"):
        programs.program("no-such-program")
