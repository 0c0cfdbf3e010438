# ruff: noqa: D103 - the name of a test says what it asserts
"""What the READMEs say is what is there: the recording, the tables, the code, the files.

`uv run python tests/test_readme.py` writes the parts of the template's README that come from
elsewhere: the recording and the table of the questions.
"""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, Bake, generate
from environments import UV, environ, interpreter, run_python
from server import package_of, started
from test_clean import CHECKS, assert_passes

README = ROOT / "README.md"
DOCS = ROOT / "docs"
QUESTIONNAIRE = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
COMMAND = "$ uvx cookiecutter gh:org/repo"
TYPED = "Team Board"
MODES = ("eventlet", "gevent", "threading")
CLASS_VIEWS = {"eventlet": "flask-classful", "gevent": "flask-classy", "threading": "flask-classy"}
LICENSES = {
    "MIT": "Permission is hereby granted, free of charge",
    "BSD-3-Clause": "Neither the name of the copyright holder nor the names",
    "Apache-2.0": "END OF TERMS AND CONDITIONS",
    "Proprietary": "All rights reserved.",
}
# Files that a README tells the reader to make, or that only come to be on the way.
TO_BE_MADE = {
    ".cruft.json",
    ".env",
    ".venv/bin/activate",
    "live_server.py",
    "answers.json",
    "poll.py",
    "test_poll.py",
    "rooms.py",
    "test_rooms.py",
    "uv.lock",
}
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*(?:/|\.(?:example|json|md|py|toml|yml|yaml|lock))")
ASK = """
import json
from {package}.serving import async_mode
from {package}.app import create_app
from {package}.__main__ import cli
from {package}.extensions import socketio
from {package}.settings import Settings

answers = []
{script}
print(json.dumps(answers))
"""


def read(service: Path) -> str:
    """Return the README of a generated service."""
    return (service / "README.md").read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next one of its rank or above."""
    rank = len(heading.split()[0])
    _, _, rest = text.partition(f"\n{heading}\n")
    assert rest, f"no heading {heading!r}"
    return re.split(rf"(?m)^#{{1,{rank}}} ", rest)[0]


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)


def rows(text: str) -> list[list[str]]:
    """Return the cells of the tables of a text, without their heads."""
    lines = [line.strip("|") for line in text.splitlines() if line.startswith("|")]
    rules = {at for at, line in enumerate(lines) if re.fullmatch(r"[ |]*-[ |-]*", line)}
    heads = {at - 1 for at in rules}
    body = [line for at, line in enumerate(lines) if at not in rules | heads]
    return [[cell.strip() for cell in line.split("|")] for line in body]


def names(cell: str) -> list[str]:
    """Return what a cell has in backquotes."""
    return re.findall(r"`([^`]+)`", cell)


def between(text: str, mark: str) -> str:
    """Return what stands between a mark and its end."""
    return text.split(f"<!-- {mark} -->\n", 1)[1].split("<!-- end -->", 1)[0]


def recording() -> str:
    """Return what a terminal shows: one name is typed, every other answer is Enter."""
    import pty  # not on Windows

    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "cookiecutterrc")
        config.write_text(f"replay_dir: {folder}/replay\ncookiecutters_dir: {folder}/fetched\n")
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "cookiecutter", str(ROOT)],
            cwd=folder,
            env=os.environ
            | {
                "COOKIECUTTER_CONFIG": str(config),
                "COLUMNS": "140",
                "PATH": os.pathsep.join([str(Path(UV).parent), os.environ["PATH"]]),
                "TERM": "xterm",
            },
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        shown, typed = b"", TYPED
        try:
            while part := os.read(ours, 4096):
                shown += part
                # Every prompt ends with its default, and no answer stands behind the last one.
                if ESCAPES.sub("", shown.decode(errors="ignore")).endswith("): "):
                    os.write(ours, f"{typed}\n".encode())
                    typed = ""
        except OSError:
            # This is how Linux says that the other side is gone.
            pass
        finally:
            os.close(ours)
        assert process.wait(60) == 0, shown.decode()
    text = ESCAPES.sub("", shown.decode()).replace("\r", "")
    return "\n".join(line.rstrip() for line in text.splitlines())


def recording_block() -> str:
    """Return the recording as it stands in the README."""
    return f"```console\n{COMMAND}\n{recording()}\n```\n"


def questions_table() -> str:
    """Return the table of the questions as it stands in the README."""
    lines = ["| Question | Choices, the default first | What it means |", "| --- | --- | --- |"]
    for question, choices in QUESTIONNAIRE.items():
        if question.startswith("_"):
            continue
        prompt = QUESTIONNAIRE["__prompts__"][question]
        if isinstance(choices, list):
            first = ", ".join(f"`{choice}`" for choice in choices)
            meaning = "<br>".join([prompt["__prompt__"], *(prompt[choice] for choice in choices)])
        else:
            first = "from `project_name`" if "{{" in choices else f"any text; `{choices}`"
            meaning = prompt
        lines.append(f"| `{question}` | {first} | {meaning} |")
    return "\n".join([*lines, ""])


PARTS = {"recording": recording_block, "questions": questions_table}


def ask(service: Path, script: str, **settings: str) -> Any:
    """Return the list `answers` that a script fills in a process of a service."""
    code = ASK.format(package=package_of(service), script=script)
    done = run_python(service, 120, "-c", code, **settings)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a service with the default answers."""
    return generate(tmp_path_factory.mktemp("readme"), ROOT)


@pytest.fixture(scope="module")
def modes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the folders of three services that differ in the async mode only."""
    folder = tmp_path_factory.mktemp("modes")
    return {mode: generate(folder, ROOT, async_mode=mode) for mode in MODES}


@pytest.fixture(params=MODES)
def poll(request: pytest.FixtureRequest, bake: Bake) -> Path:
    """Return the folder of a service with the view of its README, in each mode."""
    service = bake(async_mode=request.param, class_views=CLASS_VIEWS[request.param])
    view, _ = blocks(section(read(service), "## Write a view"), "python")
    views = service / "src" / package_of(service) / "views"
    (views / "poll.py").write_text(view, encoding="utf-8")
    return service


@pytest.mark.parametrize("part", PARTS)
def test_a_part_from_elsewhere_is_up_to_date(part: str) -> None:
    if part == "recording" and sys.platform == "win32":
        pytest.skip("there are no pseudo-terminals on Windows")
    assert between(README.read_text(encoding="utf-8"), part) == PARTS[part]()


def test_the_view_of_the_template_s_readme_works(bake: Bake) -> None:
    service = bake()
    (code,) = blocks(section(README.read_text(encoding="utf-8"), "## Anatomy of a view"), "python")
    (service / "src" / package_of(service) / "views" / "rooms.py").write_text(code)
    assert ask(
        service,
        """
app = create_app()
client = app.test_client()
socket = socketio.test_client(app, namespace="/rooms")
answers.append(socket.emit("join", "kitchen", namespace="/rooms", callback=True))
answers.append(client.post("/rooms/kitchen/messages", json={"text": "Tea?"}).json)
answers.append(socket.get_received("/rooms"))
answers.append(socket.emit("send", "kitchen", {"text": "Yes."}, namespace="/rooms", callback=True))
answers.append(client.get("/rooms/kitchen?since=1").json)
answers.append(client.post("/rooms/kitchen/messages", json={"text": ""}).status_code)
answers.append(client.get("/rooms/cellar").status_code)
""",
    ) == [
        [],
        {"text": "Tea?", "number": 1},
        [{"name": "message", "args": {"text": "Tea?", "number": 1}, "namespace": "/rooms"}],
        {"text": "Yes.", "number": 2},
        [{"text": "Yes.", "number": 2}],
        422,
        404,
    ]


def test_view_and_client_of_the_generated_readme_work(poll: Path) -> None:
    _, client = blocks(section(read(poll), "## Write a view"), "python")
    python = interpreter(poll)
    with started(python, poll) as server:
        done = subprocess.run(
            [python, "-c", client.replace("http://127.0.0.1:8000", server.url)],
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert done.stdout.splitlines() == re.findall(r"  # (.+)", client)
        assert json.loads(server.get("/poll")) == {"tea": 1, "coffee": 0}


def test_the_tests_of_the_generated_readme_pass(poll: Path) -> None:
    (tests,) = blocks(section(read(poll), "## Test"), "python")
    (poll / "tests" / "test_poll.py").write_text(tests, encoding="utf-8")
    python = interpreter(poll)
    ours = ["tests/test_poll.py", f"src/{package_of(poll)}/views/poll.py"]
    for command in (
        ["pytest", ours[0]],
        ["ruff", "check", *ours],
        ["ruff", "format", "--check", *ours],
        ["mypy", *ours],
    ):
        done = subprocess.run(
            [python, "-m", *command],
            cwd=poll,
            env=environ(poll),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def test_the_problem_in_the_generated_readme_is_a_real_one(poll: Path) -> None:
    over_http, over_socket = ask(
        poll,
        """
app = create_app()
vote = {"choice": "water"}
answers.append(app.test_client().post("/poll/vote", json=vote).json)
socket = socketio.test_client(app, namespace="/poll")
answers.append(socket.emit("vote", vote, namespace="/poll", callback=True))
""",
    )
    (shown,) = blocks(section(read(poll), "### Errors"), "json")
    assert over_http == json.loads(shown)
    assert over_socket == {"error": over_http}


def test_the_limits_in_the_generated_readme_are_kept(poll: Path) -> None:
    (view,) = blocks(section(read(poll), "### Limits of a method"), "python")
    file = poll / "src" / package_of(poll) / "views" / "invite.py"
    file.write_text(view, encoding="utf-8")
    assert ask(
        poll,
        """
app = create_app()
client = app.test_client()
# That of Flask-SocketIO has none either.
client.environ_base["REMOTE_ADDR"] = ""
socket = socketio.test_client(app, namespace="/invite")
answers.append(client.post("/invite/ada@example.com").text)
answers.append(socket.emit("invite", "bob@example.com", namespace="/invite", callback=True))
answers.append(client.post("/invite/cy@example.com").json)
answers.append(socket.emit("invite", 5, namespace="/invite", callback=True))
for key in ("a", "a", "b"):
    answers.append(client.get("/invite", headers={"X-Key": key}).status_code)
""",
    ) == [
        "invited ada@example.com",
        "invited bob@example.com",
        problem := {
            "type": "about:blank",
            "title": "Too Many Requests",
            "status": 429,
            "detail": "Too many: at most 100 per hour for the whole view, by user; "
            "2 per second and 20 per minute, by user. Try again in 1 s.",
            "retry_after": 1,
        },
        {"error": problem},
        *[200, 429, 200],
    ]
    for command in (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]):
        done = run_python(poll, 120, "-m", *command, str(file))
        assert done.returncode == 0, done.stdout


def settings_of(service: Path, **given: str) -> dict[str, Any]:
    """Return all settings of a service, inherited ones included, as it reads them."""
    script = "answers.append({k.upper(): v for k, v in Settings().model_dump(mode='json').items()})"
    (found,) = ask(service, script, **given)
    return dict(found)


def documented(service: Path) -> dict[str, dict[str, str]]:
    """Return the settings with their defaults that each document of a service has."""
    table = rows(section(read(service), "### Settings"))
    example = (service / ".env.example").read_text(encoding="utf-8")
    return {
        "README.md": {names(row[0])[0]: "".join(names(row[1])[:1]) for row in table},
        ".env.example": dict(re.findall(r"(?m)^# ([A-Z_]+)=(.*)$", example)),
    }


def undocumented(service: Path) -> dict[str, set[str]]:
    """Return the settings that each document of a service lacks."""
    known = settings_of(service).keys()
    return {name: known - settings.keys() for name, settings in documented(service).items()}


@pytest.mark.parametrize("starter", QUESTIONNAIRE["starter"])
def test_settings_and_defaults_in_the_documents_are_those_of_the_service(
    bake: Bake, starter: str
) -> None:
    service = bake(starter=starter)
    defaults = settings_of(service)
    assert not any(undocumented(service).values())
    for document, settings in documented(service).items():
        assert settings.keys() == defaults.keys(), document
        given = {name: default for name, default in settings.items() if default}
        assert settings_of(service, **given) == defaults, document
        assert not any(defaults[name] for name in settings.keys() - given.keys()), document


def test_the_example_of_the_settings_changes_nothing(bake: Bake) -> None:
    service = bake()
    example = (service / ".env.example").read_text(encoding="utf-8")
    assert not [line for line in example.splitlines() if line and line[0] != "#"]
    defaults = settings_of(service)
    settings = documented(service)[".env.example"]
    (service / ".env").write_text("".join(f"{name}={settings[name]}\n" for name in settings))
    assert settings_of(service) == defaults


def test_a_setting_of_the_users_own_is_a_field_and_a_line_in_the_example(bake: Bake) -> None:
    service = bake()
    with (service / "src" / package_of(service) / "settings.py").open("a") as settings:
        settings.write("    tables: int = 4\n")
    assert settings_of(service)["TABLES"] == 4
    assert settings_of(service, TABLES="7")["TABLES"] == 7
    refused = run_python(service, 120, "-m", package_of(service), "run", TABLES="many")
    assert refused.returncode == 1
    assert "TABLES='many': Input should be a valid integer" in refused.stderr

    assert undocumented(service) == {"README.md": {"TABLES"}, ".env.example": {"TABLES"}}
    check = ("-m", "pytest", "-q", "tests/test_settings.py")
    failed = run_python(service, 120, *check)
    assert failed.returncode == 1
    assert "{'TABLES'}" in failed.stdout
    with (service / ".env.example").open("a") as example:
        example.write("\n# How many tables there are\n# TABLES=4\n")
    assert run_python(service, 120, *check).returncode == 0


def test_the_metrics_in_the_readme_are_those_of_the_service(service: Path) -> None:
    table = {names(row[0])[0]: names(row[1]) for row in rows(section(read(service), "### Metrics"))}
    script = """
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase
create_app()
for metric in list(REGISTRY._collector_to_names):
    if isinstance(metric, MetricWrapperBase):
        ending = "_total" if metric._type == "counter" else ""
        answers.append([metric._name + ending, list(metric._labelnames)])
"""
    assert table == dict(ask(service, script))


def test_the_line_of_the_log_in_the_readme_is_a_real_one(service: Path) -> None:
    (shown,) = blocks(section(read(service), "### Logs"), "json")
    script = """
import io, logging
from flask import g
app = create_app()
(handler,) = logging.getLogger().handlers
handler.setStream(io.StringIO())
app.before_request(lambda: setattr(g, "user", 7))
app.test_client().get("/echo")
answers.append(json.loads(handler.stream.getvalue()))
"""
    (said,) = ask(service, script, LOG_FORMAT="json")
    wanted = json.loads(shown)
    assert list(said) == list(wanted)
    for name in ("levelname", "name", "view", "method", "path", "status", "user"):
        assert said[name] == wanted[name]


def test_the_commands_in_the_readme_are_those_of_the_service(service: Path) -> None:
    table = [names(row[0])[0] for row in rows(section(read(service), "## Commands"))]
    assert sorted(table) == ask(
        service,
        "app = create_app(serves_clients=False)\n"
        "answers.extend(sorted({*cli.commands, *app.cli.commands}))",
    )


def test_the_fixtures_in_the_readme_are_those_of_the_service(service: Path) -> None:
    cells = [names(row[0])[0] for row in rows(section(read(service), "## Test"))]
    table = {cell.partition("(")[0] for cell in cells}
    support = service / "tests" / "support"
    assert table == public(support / "fixtures.py") | public(support / "live.py")


def test_the_page_docs_is_guarded_in_production_as_the_readme_says(bake: Bake) -> None:
    service = bake(starter="minimal")
    setting, code = blocks(section(read(service), "### The page /docs"), "python")
    package = service / "src" / package_of(service)
    for file, line, more in (
        ("settings.py", '    """\n', f"\n{textwrap.indent(setting, '    ')}"),
        ("app.py", "absolute()))\n", f"\n{textwrap.indent(code, '    ')}"),
    ):
        text = (package / file).read_text("utf-8")
        before, found, after = text.rpartition(line)
        imports = "import hmac\nfrom flask import request\nfrom pydantic import SecretStr\n"
        imports += "from werkzeug.datastructures import WWWAuthenticate\n"
        imports += "from werkzeug.exceptions import Unauthorized\n"
        before = before.replace("annotations\n", f"annotations\n\n{imports}", 1)
        assert found
        (package / file).write_text(before + found + more + after, "utf-8")
    script = """
client = create_app().test_client()
for password in (None, "wrong", "right"):
    response = client.get("/docs/openapi.json", auth=password and ("anybody", password))
    answers.append([response.status_code, response.headers.get("WWW-Authenticate", "")[:5]])
"""
    production = {"ENVIRONMENT": "production", "SECRET_KEY": "s" * 32, "DOCS": "true"}

    with_password = production | {"DOCS_PASSWORD": "right"}

    assert ask(service, script, **with_password) == [[401, "Basic"], [401, "Basic"], [200, ""]]
    assert ask(service, script, **production) == [[401, "Basic"]] * 3


def test_a_generated_readme_speaks_of_its_own_mode_only(modes: dict[str, Path]) -> None:
    for mode, service in modes.items():
        way_out = section(read(service), "### Leaving eventlet") if mode == "eventlet" else ""
        text = read(service).replace(way_out, "") if way_out else read(service)
        assert f"The async mode: {mode}\n" in text
        assert [other for other in MODES if other in text] == [mode]


def test_a_generated_readme_starts_with_title_and_description_as_typed(bake: Bake) -> None:
    title, description = '🚀 {{ 7*7 }} <b> & "quotes"', "{% raw %} 'a' \\ b"
    text = read(bake(project_name=title, project_slug="odd", description=description))
    assert text.startswith(f"# {title}\n\n{description}\n")


def test_a_generated_readme_has_its_blank_lines_in_order(modes: dict[str, Path]) -> None:
    for service in modes.values():
        assert "\n\n\n" not in re.sub(r"(?ms)^```.*?^```$", "code", read(service))
        assert re.search(r"\S\n\Z", read(service))


def test_modes_differ_in_the_files_that_the_readme_names(modes: dict[str, Path]) -> None:
    switch = section((DOCS / "async-modes.md").read_text(encoding="utf-8"), "## Switch it later")
    named = {Path(name).name for name in names(switch)}
    contents = [
        {path.relative_to(service): path.read_bytes() for path in files(service)}
        for service in modes.values()
    ]
    everything = {path for content in contents for path in content}
    differing = {p.name for p in everything if len({content.get(p) for content in contents}) > 1}
    assert differing <= named


def test_the_dependencies_in_the_readme_are_those_of_the_services(bake: Bake) -> None:
    table = rows(
        section((DOCS / "design-decisions.md").read_text(encoding="utf-8"), "## Dependencies")
    )
    for mode in MODES:
        for class_views in QUESTIONNAIRE["class_views"]:
            service = bake(async_mode=mode, class_views=class_views)
            project = tomllib.loads((service / "pyproject.toml").read_text(encoding="utf-8"))
            needed = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
            answers = {"async_mode": mode, "class_views": class_views, "starter": "chat"}
            expected = {names(row[0])[0] for row in table if applies(row[2], answers)}
            assert expected == {re.split(r"[\[<>=~!; ]", need)[0] for need in needed}


def public(file: Path) -> set[str]:
    """Return the names of the public functions and methods of a module, without automatic ones."""
    functions = [
        node
        for owner in ast.parse(file.read_text(encoding="utf-8")).body
        for node in (owner.body if isinstance(owner, ast.ClassDef) else [owner])
        if isinstance(node, ast.FunctionDef) and getattr(owner, "name", "")[0] != "_"
    ]
    automatic = {
        f.name for f in functions if "autouse" in "".join(map(ast.unparse, f.decorator_list))
    }
    return {f.name for f in functions if f.name[0] != "_"} - automatic


def applies(condition: str, answers: dict[str, str]) -> bool:
    """Tell whether `development, async_mode: gevent, threading` holds for the answers."""
    return all(
        answers[question] in choices.replace(" ", "").split(",")
        for question, choices in re.findall(r"(async_mode|class_views): ([\w, -]+)", condition)
    )


def files(folder: Path) -> list[Path]:
    """Return the files of a service, as they were generated."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in found if "__pycache__" not in path.parts]


def test_the_commands_in_the_rules_are_those_of_the_service(service: Path) -> None:
    rules = (service / "AGENTS.md").read_text(encoding="utf-8")
    told = [shlex.split(names(row[0])[0]) for row in rows(section(rules, "## Commands"))]
    ours = [words[3:] for words in told if words[2] == service.name]
    assert all(words[:2] == ["uv", "run"] for words in told)
    # An option or a command that there is not is refused before the help is shown.
    script = f"""
from click.testing import CliRunner
for words in {ours}:
    shown = CliRunner().invoke(cli, [*words, "--help"])
    answers.append([shown.exit_code, shown.output])
"""
    assert [code for code, _ in ask(service, script)] == [0] * len(ours)
    table = [names(row[0])[0] for row in rows(section(read(service), "## Commands"))]
    assert {words[0] for words in ours} == {*table} - {"shell"}
    others = [words[2:] for words in told if words[2] != service.name]
    assert others == [["pytest"], ["ruff", "check"], ["ruff", "format"], ["mypy"]]


def headings(document: Path) -> set[str]:
    """Return what a link may have behind its # to lead into a document."""
    prose = re.sub(r"(?ms)^```.*?^```$", "", document.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
        for heading in re.findall(r"(?m)^#+ (.+)$", prose)
    }


@pytest.mark.parametrize(
    "name", ["README.md", *(f"docs/{path.name}" for path in sorted(DOCS.glob("*.md")))]
)
def test_files_and_links_in_the_documents_of_the_template_exist(service: Path, name: str) -> None:
    assert not missing_in(ROOT / name, service, ROOT)


@pytest.mark.parametrize("name", ["README.md", "AGENTS.md"])
def test_files_and_links_in_the_documents_of_a_service_exist(service: Path, name: str) -> None:
    assert not missing_in(service / name, service)


def missing_in(document: Path, service: Path, *places: Path) -> list[str]:
    """Return the files and links that a document names and that are not there."""
    prose = re.sub(r"(?ms)^```.*?^```$", "", document.read_text(encoding="utf-8"))
    folders = [service / "src" / package_of(service), service, *places]
    missing = [
        name
        for name in re.findall(r"`([^`\n]+)`", prose)
        if PATH.fullmatch(name)
        and not {name, Path(name).name} & TO_BE_MADE
        and not any((folder / name).exists() for folder in folders)
        and not ("/" not in name and [*service.rglob(name)])
    ]
    for link in re.findall(r"\]\(([^)]+)\)", prose):
        if not link.startswith("https://"):
            path, _, heading = link.partition("#")
            target = document.parent / path if path else document
            if not target.exists() or (heading and heading not in headings(target)):
                missing.append(link)
    return missing


def test_the_readme_of_the_template_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) < 300


@pytest.mark.parametrize("license", LICENSES)
def test_a_licence_is_the_chosen_one_with_its_owner_and_no_year(bake: Bake, license: str) -> None:
    author = "Zoë & Söhne <{{ 7*7 }}>"
    service = bake(author_name=author, license=license)
    text = (service / "LICENSE").read_text(encoding="utf-8")
    assert LICENSES[license] in text
    (line,) = [line for line in text.splitlines() if author in line]
    assert "Copyright" in line
    assert not re.search(r"\b20\d\d\b", text.replace("January 2004", ""))
    assert [path.name for path in service.glob("LICENSE*")] == ["LICENSE"]


def test_the_workflow_of_a_service_names_no_answer_and_pins_what_it_uses(service: Path) -> None:
    path = Path(".github", "workflows", "ci.yml")
    text = (service / path).read_text(encoding="utf-8")
    assert text == (ROOT / "{{cookiecutter.project_slug}}" / path).read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert used
        assert all(re.search(r"@[0-9a-f]{40}$", action) for action in used)
    project = tomllib.loads((service / "pyproject.toml").read_text(encoding="utf-8"))
    oldest = project["project"]["requires-python"].removeprefix(">=")
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"][0] == oldest


def main() -> None:
    """Write the parts of the README that come from elsewhere."""
    text = README.read_text(encoding="utf-8")
    for mark, part in PARTS.items():
        start = f"<!-- {mark} -->\n"
        text = text.replace(start + between(text, mark), start + part())
    README.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()


def test_the_chat_can_be_deleted_as_the_readme_says(bake: Bake) -> None:
    service = bake(starter="chat")
    package = service / "src" / package_of(service)
    said = section(read(service), "### Add or delete a view")
    listed = said.partition("To delete the chat but keep the database, delete")[2]
    paths = re.findall(r"`([\w/.]+)`", listed.partition("The tables stay.")[0])
    assert len(paths) == 8
    for path in paths:
        (gone,) = [folder / path for folder in (service, package) if (folder / path).exists()]
        if gone.is_dir():
            shutil.rmtree(gone)
        else:
            gone.unlink()
    for check in CHECKS:
        assert_passes(service, check)
