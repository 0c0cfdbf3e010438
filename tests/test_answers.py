# ruff: noqa: D103 - the name of a test says what it asserts
"""What may be answered, what is refused and how, and that an answer arrives as it was typed."""

import importlib.metadata
import json
import shlex
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, Bake, Refuse, run

from local_extensions import (
    DEPENDENCIES,
    LONGEST_SLUG,
    LONGEST_TEXT,
    QUESTIONS,
    argument,
    author_for,
    package_for,
    problems,
    slug_for,
    slug_problem,
    toml_string,
)

QUESTIONNAIRE = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
PROMPTS = QUESTIONNAIRE["__prompts__"]

TEXTS = {
    "apostrophe": "Ann's service",
    "quotes": "He said \"yes\", she said 'no'",
    "three quotes": "one \"\"\" two ''' three",
    "quotes at the end": 'ends in """',
    "backslashes": r"C:\new\table \x41 \u0041",
    "backslash at the end": "ends in \\",
    "emoji": "🚀 to the 🌙, 👩‍💻 and 🏳️‍🌈",
    "right to left": "שירות צ'אט / خدمة الدردشة",
    "chinese": "实时服务",
    "script": "</script><script>alert(1)</script>",
    "markup": "&amp; <b>bold</b> [link](x) _em_ `code`",
    "expression": "{{ 7*7 }}",
    "statement": "{% raw %}{{ x }}{% endraw %} {% for %}",
    "comment": "a {# b #} c",
    "environment": "$HOME %PATH% ${x} %(x)s {x}",
    "long": "x" * LONGEST_TEXT,
}
ATTACKS = {
    "python": '"; open("marker", "w"); "',
    "python in three quotes": '"""\nopen("marker", "w")\n"""'.replace("\n", ";"),
    "jinja": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "jinja that writes": "{{ cycler.__init__.__globals__.os.system('touch marker') }}",
    "shell": "$(touch marker)",
    "backquotes": "`touch marker`",
    "semicolon": "'; touch marker; '",
}
ACCEPTED = {
    "project_name": "T",
    "project_slug": "t",
    "description": "",
    "author_name": "A",
    "license": "MIT",
    "starter": "chat",
    "async_mode": "eventlet",
    "class_views": "flask-classful",
}
REFUSED = [
    ("project_slug", "Chat", "a-z and 0-9", "chat"),
    ("project_slug", "two words", "a-z and 0-9", "two-words"),
    ("project_slug", "two--dashes", "a-z and 0-9", "two-dashes"),
    ("project_slug", "-chat", "a-z and 0-9", "chat"),
    ("project_slug", "chat-", "a-z and 0-9", "chat"),
    ("project_slug", "größe", "a-z and 0-9", "grosse"),
    ("project_slug", "above/below", "a-z and 0-9", "above-below"),
    ("project_slug", "../above", "a-z and 0-9", "above"),
    ("project_slug", "chat\n", "a-z and 0-9", "chat"),
    ("project_slug", "nul\0", "a-z and 0-9", "nul-service"),
    ("project_slug", "$(touch marker)", "a-z and 0-9", "touch-marker"),
    ("project_slug", "", "is required", "my-realtime-service"),
    ("project_slug", "..", "a-z and 0-9", "my-realtime-service"),
    ("project_slug", "x" * 300, "at most 63 characters; this has 300", "x" * 55),
    ("project_slug", "3d", "starts with a letter", "service-3d"),
    ("project_slug", "class", "keyword", "class-service"),
    ("project_slug", "match", "keyword", "match-service"),
    ("project_slug", "json", "standard library", "json-service"),
    ("project_slug", "test", "standard library", "test-service"),
    ("project_slug", "flask", "depends on", "flask-service"),
    ("project_slug", "flask.socketio", "depends on", "flask-socketio-service"),
    ("project_slug", "python-socketio", "depends on", "python-socketio-service"),
    ("project_slug", "dns", "depends on", "dns-service"),
    ("project_slug", "tests", "a folder or a command of the service", "tests-service"),
    ("project_slug", "python", "a folder or a command of the service", "python-service"),
    ("project_slug", "con", "Windows", "con-service"),
    ("project_slug", "com1", "Windows", "com1-service"),
    ("project_name", " ", "is required", "My Realtime Service"),
    ("project_name", "two\nlines", r"this has '\n'", "two lines"),
    ("project_name", "x" * 201, "at most 200 characters; this has 201", "x" * 200),
    ("description", "bell \a", r"this has '\x07'", "bell"),
    ("description", "delete \x7f", r"this has '\x7f'", "delete"),
    ("description", "line\u2028separator", r"this has '\u2028'", "line separator"),
    ("description", "half \ud83d", r"this has '\ud83d'", "half"),
    ("author_name", "", "is required", "The My Realtime Service authors"),
    ("author_name", "tab\tbed", r"this has '\t'", "tab bed"),
]
TITLES = {
    "My Realtime Service": "my-realtime-service",
    "Chat": "chat",
    "3D Chat": "service-3d-chat",
    "2048": "service-2048",
    "Flask": "flask-service",
    "Python Socket.IO": "python-socket-io",
    "Python-SocketIO": "python-socketio-service",
    "Class": "class-service",
    "JSON": "json-service",
    "Tests": "tests-service",
    "CON": "con-service",
    "日本": "ri-ben",
    "Straße": "strasse",
    "🚀": "realtime-service",
    "": "realtime-service",
    "../..": "realtime-service",
    "&#55296; &lt;": "realtime-service",
    "x" * 200: "x" * 55,
    "9" * 200: "service-" + "9" * 55,
}


@pytest.mark.parametrize(
    ("question", "value", "rule", "instead"),
    REFUSED,
    ids=[f"{question}={value[:20]!a}" for question, value, *_ in REFUSED],
)
def test_a_refusal_says_the_value_the_rule_and_what_to_answer(
    refuse: Refuse, question: str, value: str, rule: str, instead: str
) -> None:
    said = refuse(**{question: value})
    assert f"{question}: {value[:60]!r}" in said
    assert rule in said.partition(f"rule: {question} ")[2].splitlines()[0]
    assert f"try:  {instead}\n" in said
    assert said.endswith("Nothing was written.\n")
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("question", "value", "instead"), [(row[0], row[1], row[3]) for row in REFUSED]
)
def test_what_a_refusal_suggests_is_accepted(question: str, value: str, instead: str) -> None:
    assert question in problems(ACCEPTED | {question: value})
    assert not problems(ACCEPTED | {question: instead})


def test_every_problem_is_in_one_message(refuse: Refuse) -> None:
    said = refuse(project_name="\a", project_slug="Flask", description="\x1b[31m", author_name=" ")
    assert "Answers that cannot be used: 4" in said
    places = [said.index(f"\n  {question}: ") for question in QUESTIONS[:4]]
    assert places == sorted(places)
    assert not {"\a", "\x1b"} & set(said)


def test_the_command_of_a_refusal_gives_the_same_answers_repaired(
    refuse: Refuse, tmp_path: Path
) -> None:
    texts = {"project_name": 'It\'s {{ 7*7 }} \\ "new"', "author_name": "{% raw %} 👩‍💻 $(x)"}
    said = refuse(**texts, project_slug="Flask", description="two\nlines", async_mode="gevent")
    program, *command = shlex.split(
        next(line for line in said.splitlines() if "--no-input" in line)
    )
    assert program == "cookiecutter"
    again = run(tmp_path, *command)
    assert again.returncode == 0, again
    assert_arrived(tmp_path / "refused" / "flask-service", texts | {"description": "two lines"})
    (replay,) = (tmp_path / "replay").iterdir()
    assert json.loads(replay.read_text())["cookiecutter"]["async_mode"] == "gevent"


def test_a_replayed_answer_is_checked_too(bake: Bake, tmp_path: Path) -> None:
    bake()
    (replay,) = (tmp_path / "replay").iterdir()
    replay.write_text(replay.read_text().replace('"my-realtime-service"', '"json"'))
    refused = run(tmp_path, ROOT, "--replay")
    assert refused.returncode == 1
    assert "rule: project_slug may not be a module" in refused.stdout
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "json").exists()


PRIVATE = {name for name in QUESTIONNAIRE if name.startswith("_")}
# Names that a replay file may be without, because somebody wrote it or an older version did.
WITHOUT: dict[str, set[str]] = {
    "what is derived": {"__checked"},
    "the extension": {"_extensions"},
    "anything but the answers": PRIVATE,
    "anything but the extension": PRIVATE - {"_extensions"},
    "a choice": {"license"},
    "a choice and the extension": {"license", "_extensions"},
    "a text": {"description"},
}
REPLAYED: dict[str, Any] = {
    **QUESTIONNAIRE,
    **ACCEPTED,
    "project_slug": "replayed",
    "author_name": "Somebody",
    "starter": "minimal",
}


def replay(home: Path, answers: dict[str, Any]) -> "subprocess.CompletedProcess[str]":
    """Generate with a replay file; what it lacks is asked for, and gets the default."""
    file = home / "replayed.json"
    file.write_text(json.dumps({"cookiecutter": answers}), encoding="utf-8")
    return run(home, ROOT, "--replay-file", file, typed="\n" * len(QUESTIONS))


@pytest.mark.parametrize("lacking", WITHOUT.values(), ids=WITHOUT)
def test_a_replay_file_may_be_incomplete(tmp_path: Path, lacking: set[str]) -> None:
    done = replay(tmp_path, {k: v for k, v in REPLAYED.items() if k not in lacking})
    assert done.returncode == 0, done
    assert_arrived(tmp_path / "replayed", {"author_name": "Somebody", "project_name": "T"})
    assert (tmp_path / "replayed" / "src" / "replayed" / "app.py").is_file()


@pytest.mark.parametrize("lacking", WITHOUT.values(), ids=WITHOUT)
@pytest.mark.parametrize(
    ("question", "value", "rule", "instead"),
    [
        ("project_slug", "json", "may not be a module", "json-service"),
        ("starter", "blog", "is one of chat, minimal", "chat"),
        ("author_name", 7, "is a text", "The T authors"),
    ],
)
def test_an_incomplete_replay_file_is_refused_as_any_other(
    tmp_path: Path, lacking: set[str], question: str, value: object, rule: str, instead: str
) -> None:
    given = {k: v for k, v in REPLAYED.items() if k not in lacking} | {question: value}
    refused = replay(tmp_path, given)
    assert refused.returncode == 1, refused
    said = refused.stdout
    assert f"  {question}: {value!r}\n    rule: {question} {rule}" in said
    assert f"    try:  {instead}\n" in said
    assert "\ncookiecutter " in said
    assert said.endswith("Nothing was written.\n")
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "replayed").exists()
    assert not (tmp_path / "json").exists()


def test_a_name_that_a_replay_file_lacks_is_asked_for(tmp_path: Path) -> None:
    nameless = {k: v for k, v in REPLAYED.items() if k != "project_slug"}
    refused = replay(tmp_path, nameless)
    assert refused.returncode == 1, refused
    assert "rule: project_slug is required\n    try:  t\n" in refused.stdout
    assert "Traceback" not in refused.stderr


def test_a_replay_file_of_another_version_gives_a_service_of_this_one(
    tmp_path: Path, baked: Bake
) -> None:
    older = {"_version": "0.0.1", "__package": "older", "__checked": "no", "_gone": "x"}
    copied = {"_copy_without_render": ["*.md", "deploy/*", "*.css"]}
    done = replay(tmp_path, REPLAYED | older | copied)
    assert done.returncode == 0, done
    same = {k: v for k, v in REPLAYED.items() if k in QUESTIONS}
    readme = (baked(**same) / "README.md").read_text(encoding="utf-8")
    assert (tmp_path / "replayed" / "README.md").read_text(encoding="utf-8") == readme


def test_a_replay_file_that_keeps_the_rules_out_is_refused(tmp_path: Path) -> None:
    refused = replay(tmp_path, REPLAYED | {"_extensions": []})
    assert refused.returncode == 1
    assert "cannot check these answers without its own `_extensions`" in refused.stderr
    assert "TemplateAssertionError" not in refused.stderr
    assert not (tmp_path / "replayed").exists()


def test_the_command_of_a_refusal_overwrites_as_the_refused_one_would_have(
    refuse: Refuse, tmp_path: Path
) -> None:
    overwriting = ("--overwrite-if-exists", "--skip-if-file-exists")
    refused = run(tmp_path, ROOT, "--no-input", *overwriting, "project_slug=json")
    line = next(line for line in refused.stdout.splitlines() if "--no-input" in line)
    assert set(overwriting) < set(shlex.split(line))
    assert not any(option in refuse(project_slug="json") for option in overwriting)


@pytest.mark.parametrize(
    ("given", "kept"), {"{{ 7*7 }}": "49", "{{ '{{ 7*7 }}' }}": "{{ 7*7 }}"}.items()
)
def test_a_configuration_file_is_rendered_as_the_documents_say(
    tmp_path: Path, given: str, kept: str
) -> None:
    assert f"`{given}`" in (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({"default_context": {"description": given}}), encoding="utf-8")
    done = run(tmp_path, ROOT, "--no-input", "--config-file", file)
    assert done.returncode == 0, done
    assert_arrived(tmp_path / "my-realtime-service", {"description": kept})


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_arrives_as_typed(bake: Bake, text: str) -> None:
    texts = {"project_name": text, "description": text, "author_name": text}
    assert_arrived(bake(project_slug="arrives", **texts), texts)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_answer_is_never_run(
    bake: Bake, attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = {"project_name": attack, "description": attack, "author_name": attack}
    assert_arrived(bake(**texts), texts)
    assert not list(tmp_path.rglob("marker"))
    assert not (ROOT / "marker").exists()


def test_a_refused_attack_is_not_run_either(refuse: Refuse, tmp_path: Path) -> None:
    for attack in ATTACKS.values():
        refuse(project_slug=attack, project_name=attack + "\n")
    assert not list(tmp_path.rglob("marker"))


def test_typed_answers_arrive_as_typed(tmp_path: Path) -> None:
    texts = {
        "project_name": 'A "title" {{ 7*7 }} [bold]',
        "description": "🚀 \\",
        "author_name": "O'Hara",
    }
    typed = [
        texts["project_name"],
        "",
        texts["description"],
        texts["author_name"],
        "2",
        "",
        "3",
        "",
    ]
    done = run(tmp_path, ROOT, typed="\n".join([*typed, ""]))
    assert done.returncode == 0, done
    assert_arrived(tmp_path / "a-title-7-7-bold", texts)


def test_a_description_may_be_blank(bake: Bake) -> None:
    assert_arrived(bake(description=""), {"description": ""})


@pytest.mark.parametrize(("title", "slug"), TITLES.items())
def test_a_title_gives_a_slug_that_is_accepted(title: str, slug: str) -> None:
    assert slug_for(title) == slug
    assert not slug_problem(slug)
    assert len(slug) <= LONGEST_SLUG
    assert package_for(slug).isidentifier()


@pytest.mark.parametrize("title", ["My Realtime Service", "3D Chat", "Flask", "日本", "🚀"])
def test_a_title_is_enough(bake: Bake, title: str) -> None:
    service = bake(project_name=title)
    assert service.name == slug_for(title)
    assert_arrived(service, {"project_name": title, "author_name": f"The {title} authors"})


@pytest.mark.parametrize("title", ["", "x" * 200, "two\nlines", "👩‍💻" * 60])
def test_the_default_author_is_always_accepted(title: str) -> None:
    assert not problems(ACCEPTED | {"author_name": author_for(title)})


def test_at_most_eight_questions_are_asked_in_human_words() -> None:
    asked = [question for question in QUESTIONNAIRE if not question.startswith("_")]
    assert asked == list(QUESTIONS)
    assert len(asked) <= 8
    for question in asked:
        default, prompt = QUESTIONNAIRE[question], PROMPTS[question]
        if isinstance(default, list):
            assert set(default) <= set(prompt)
            assert all(prompt[choice].startswith(choice) for choice in default)
            prompt = prompt["__prompt__"]
        assert " " in prompt
        assert "_" not in prompt


@pytest.mark.parametrize("text", [*TEXTS.values(), *ATTACKS.values()])
def test_a_quoted_text_is_one_in_every_language(text: str) -> None:
    literal = toml_string(text)
    assert tomllib.loads(f"text = {literal}") == {"text": text}
    assert json.loads(literal) == text
    assert yaml.safe_load(f"text: {literal}") == {"text": text}
    assert eval(literal) == text  # noqa: S307


@pytest.mark.parametrize("text", ["MIT", "plain words", "50% {of} it"])
def test_a_plain_answer_stays_plain_on_the_command_line(text: str) -> None:
    assert argument("description", text) == f"description={text}"


def test_installed_names_are_compared_with_the_reserved_ones() -> None:
    free = unreserved(importlib.metadata.packages_distributions())
    assert "cookiecutter" in free
    assert not free & {"pytest", "_pytest", "jinja2", "yaml", "pyyaml"}
    assert not {name for name in DEPENDENCIES if not slug_problem(name)}


def unreserved(installed: Mapping[str, list[str]]) -> set[str]:
    """Return what is installed and yet free to be taken as the name of a service.

    :param installed: `importlib.metadata.packages_distributions()` of a service's environment.
    """
    distributions = {name.lower() for names in installed.values() for name in names}
    imported = {name.lower() for name in installed if name.isidentifier()}
    return {name for name in imported | distributions if not slug_problem(name)}


def assert_arrived(service: Path, texts: dict[str, str]) -> None:
    """Assert that the files of a service hold the texts exactly."""
    project = tomllib.loads((service / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = (service / "README.md").read_text(encoding="utf-8")
    assert project["name"] == service.name
    if "project_name" in texts:
        assert readme.splitlines()[0] == f"# {texts['project_name']}"
    if "description" in texts:
        assert project["description"] == texts["description"]
        assert texts["description"] in readme
    if "author_name" in texts:
        assert project["authors"][0]["name"] == texts["author_name"]
        assert texts["author_name"] in (service / "LICENSE").read_text(encoding="utf-8")
