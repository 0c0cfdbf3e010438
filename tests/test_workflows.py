# ruff: noqa: D103 - the name of a test says what it asserts
"""The workflows of the template and of its services: what they may do, use and run."""

import re
from pathlib import Path
from typing import Any

import programs
import pytest
import yaml
from conftest import ROOT

SERVICE = ROOT / "{{cookiecutter.project_slug}}"
WORKFLOWS = [
    *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
    *sorted((SERVICE / ".github" / "workflows").glob("*.yml")),
]
# owner/name@commit # version
PINNED = re.compile(r"\s*- uses: [\w-]+/[\w./-]+@[0-9a-f]{40} # v[0-9]+(\.[0-9]+)+")
# Commands that make the machine ready, or that ask for what the jobs before have found.
OF_MACHINES = re.compile(r"uv sync|uv python install [0-9. ]+|test \"\$RESULTS\" = .+")


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


@pytest.mark.parametrize(
    ("required", "outcome"), [(True, pytest.fail.Exception), (False, pytest.skip.Exception)]
)
def test_a_missing_program_fails_where_programs_are_required(
    monkeypatch: pytest.MonkeyPatch, required: bool, outcome: type[BaseException]
) -> None:
    monkeypatch.setattr(programs, "REQUIRED", required)
    with pytest.raises(outcome, match="no-such-program is not installed"):
        programs.program("no-such-program")
