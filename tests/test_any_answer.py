# ruff: noqa: D103 - the name of a test says what it asserts
"""Whatever is answered, by whatever way: refused in so many words, or in the files as it was typed.

The answers are made up by hypothesis. The default run tries a few dozen, always the same; the full
one thousands, others each time.
"""

import ast
import html
import json
import keyword
import os
import re
import select
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from contextlib import chdir
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from combinations import CHOICES, QUESTIONNAIRE
from conftest import ROOT, Bake, generate
from cookiecutter.exceptions import FailedHookException  # type: ignore[import-untyped]
from cookiecutter.main import cookiecutter  # type: ignore[import-untyped]
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from test_answers import ACCEPTED, ATTACKS, REFUSED, TEXTS
from test_readme import ask

from local_extensions import QUESTIONS, argument, is_control, package_for, refusal

Answers = dict[str, Any]
Way = Callable[[Path, Answers], Path]

# To look for a smaller example takes minutes, for answers that are short already.
FULL = settings(max_examples=250, deadline=None, database=None, phases=[Phase.generate])
QUICK = settings(FULL, max_examples=12, derandomize=True)
SHARDS = range(4)

FRAGMENTS = [
    *TEXTS.values(),
    *ATTACKS.values(),
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "\\",
        "'",
        '"',
        "'''",
        '"""',
        "\n",
        "\r",
        "\t",
        "\0",
        "\x1b[2J",
    ),
    *(
        "\u2028",
        "\u202e",
        "\ufeff",
        "\ud83d",
        "\ufffe",
        "\x7f",
        "\x85",
        "../",
        "C:\\",
        "~",
        "$",
        "%",
    ),
    *(
        "{{ cookiecutter.__class__ }}",
        "-->",
        "<!--",
        "<![CDATA[",
        "[/]",
        "#",
        "---",
        "...",
        "=",
        ":",
    ),
]
words = st.one_of(st.text(max_size=20), st.sampled_from(FRAGMENTS))
texts = st.one_of(
    st.lists(words, max_size=6).map("".join),
    st.text(max_size=250),
    st.sampled_from(["", " ", "x" * 200, "x" * 201]),
)
slugs = st.one_of(
    st.from_regex(r"[a-z][a-z0-9]{0,8}([-_.][a-z0-9]{1,8}){0,4}", fullmatch=True),
    st.sampled_from([value for question, value, *_ in REFUSED if question == "project_slug"]),
    texts,
)
choices = {question: st.sampled_from(given) for question, given in CHOICES.items()}
free = {"project_name": texts, "description": texts, "author_name": texts}
answers_of_people = st.fixed_dictionaries(choices, optional={**free, "project_slug": slugs})
# A file may hold what nobody can type.
no_texts = st.one_of(st.none(), st.integers(), st.lists(st.text(max_size=5), max_size=2))
anything = st.one_of(texts, slugs, no_texts)
answers_of_files = answers_of_people | st.fixed_dictionaries(
    {}, optional=dict.fromkeys([*QUESTIONS, "__package"], anything)
)


def by_arguments(folder: Path, answers: Answers) -> Path:
    """Generate with `question=answer`, as a command line gives them."""
    return generate(folder, ROOT, **answers)


def by_config_file(folder: Path, answers: Answers) -> Path:
    """Generate with the answers as defaults of the user's own configuration."""
    # cookiecutter renders them, as it does those of the command line.
    defaults = {name: argument(name, answer).split("=", 1)[1] for name, answer in answers.items()}
    return generated(folder, {"default_context": defaults}, no_input=True)


def by_replay(folder: Path, answers: Answers) -> Path:
    """Generate with the answers of a file that cookiecutter could have written the last time."""
    plain = {**QUESTIONNAIRE, **ACCEPTED, "project_slug": slug_of(answers), "__checked": "yes"}
    plain["__package"] = package_for(plain["project_slug"])
    file = folder / "replayed.json"
    file.write_text(json.dumps({"cookiecutter": plain | answers}), encoding="utf-8")
    return generated(folder, {}, replay=str(file))


def slug_of(answers: Answers) -> Any:
    """Return the slug in some answers, or one that is accepted."""
    return answers.get("project_slug", ACCEPTED["project_slug"])


def generated(folder: Path, configuration: dict[str, Any], **options: Any) -> Path:
    """Generate with a configuration of one's own."""
    places = {"replay_dir": str(folder / "replay"), "cookiecutters_dir": str(folder / "fetched")}
    config = folder / "cookiecutterrc"
    config.write_text(yaml.safe_dump(configuration | places), encoding="utf-8")
    output = folder / "output"
    output.mkdir()
    return Path(cookiecutter(str(ROOT), output_dir=str(output), config_file=str(config), **options))


def assert_refused_or_kept(way: Way, answers: Answers) -> None:
    """Assert that answers are refused, or are in a service as they were given."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "here")
        folder.mkdir()
        # Some of the attacks write into the folder that they run in.
        with chdir(folder):
            try:
                service = way(folder, answers)
            except FailedHookException as error:
                assert_refusal(str(error), answers)
                assert not [path for path in Path(place).rglob("*") if path.name in NAMES]
                assert [path.name for path in Path(place).iterdir()] == ["here"]
                return
        assert_kept(service, answers)
        assert [path.name for path in service.parent.iterdir()] == [service.name]
        assert {path.name for path in folder.iterdir()} <= OURS | {service.parent.name}
        assert [path.name for path in Path(place).iterdir()] == ["here"]


# What the ways above write themselves, and names of a service by which it would be found.
OURS = {"cookiecutterrc", "fetched", "replay", "replayed.json"}
NAMES = {"pyproject.toml", "LICENSE", "src", "marker"}


def assert_refusal(said: str, answers: Answers) -> None:
    """Assert that a refusal names a wrong answer, its rule and a way on."""
    questions = re.findall(r"(?m)^  (\w+): .+\n    rule: \1 .+\n    try:  ", said)
    assert questions
    assert set(questions) <= {*answers, "project_slug", "author_name"} - {"__package"}
    assert said.startswith(f"\nAnswers that cannot be used: {len(questions)}\n")
    assert "--no-input" in said
    assert said.endswith("Nothing was written.")
    assert not [character for character in said if is_control(character) and character != "\n"]


def assert_kept(service: Path, answers: Answers) -> None:
    """Assert that a service holds the answers, and is a plain one for all the rest."""
    package = service.name.replace("-", "_").replace(".", "_")
    assert service.name == answers.get("project_slug", service.name)
    assert package.isidentifier()
    assert package.isascii()
    assert not keyword.iskeyword(package)
    assert package not in sys.stdlib_module_names

    project = tomllib.loads((service / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = (service / "README.md").read_text(encoding="utf-8")
    author = project["authors"][0]["name"]
    license_text = (service / "LICENSE").read_text(encoding="utf-8")
    assert project["scripts"] == {service.name: f"{package}.__main__:main"}
    assert project["description"] == answers.get("description", project["description"])
    assert author == answers.get("author_name", author)
    assert author in license_text
    title = answers.get("project_name", readme.partition("\n")[0].removeprefix("# "))
    assert readme.startswith(f"# {title}\n\n{project['description']}\n")
    for page in (service / "src" / package).glob("templates/title.txt"):
        assert page.read_text(encoding="utf-8") == f"{title}\n"

    chosen = {question: answers.get(question, given[0]) for question, given in CHOICES.items()}
    assert shapes(service) == plain(tuple(chosen.items()))


@cache
def plain(chosen: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Return the shapes of a service whose texts are words."""
    with tempfile.TemporaryDirectory() as folder:
        return shapes(generate(Path(folder), ROOT, **dict(chosen)))


def shapes(service: Path) -> dict[str, Any]:
    """Return what the files of a service are made of, by name, whatever their texts say."""
    package = package_for(service.name)
    return {
        path.relative_to(service).as_posix().replace(f"src/{package}/", "src/package/"): (
            shape(path, package)
        )
        for path in sorted(service.rglob("*"))
        if path.is_file()
    }


def shape(path: Path, package: str) -> Any:
    """Return what a file is made of: a text that could end its own quotes would change it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return code(text, package)
    if path.suffix == ".toml":
        found = tomllib.loads(text)
        del found["project"]["scripts"]
        return keys(found)
    if path.suffix == ".json":
        return keys(json.loads(text))
    if path.suffix in (".yml", ".yaml"):
        return [keys(document) for document in yaml.safe_load_all(text)]
    if path.suffix == ".html":
        return tags(text)
    return "text"


@cache
def code(text: str, package: str) -> str:
    """Return Python's own view of a module, without its texts and the name of its package."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{package}."):
            node.module = f"package{str(node.module).removeprefix(package)}"
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


def keys(value: Any) -> Any:
    """Return a structure without its values."""
    if isinstance(value, dict):
        return {key: keys(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [keys(inner) for inner in value]
    return type(value).__name__


def tags(text: str) -> list[Any]:
    """Return the tags of a page, and what its scripts say."""
    found: list[Any] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            found.append((tag, [name for name, _ in attributes]))

        def handle_endtag(self, tag: str) -> None:
            found.append(tag)

        def handle_data(self, data: str) -> None:
            if self.cdata_elem:
                found.append(data)

    Reader().feed(text)
    return found


WAYS: dict[str, Way] = {
    "arguments": by_arguments,
    "config file": by_config_file,
    "replay": by_replay,
}
GIVEN = {
    "arguments": answers_of_people,
    "config file": answers_of_people,
    "replay": answers_of_files,
}


@pytest.mark.parametrize("way", WAYS)
def test_any_answer_is_refused_or_kept(way: str) -> None:
    @QUICK
    @given(GIVEN[way])
    def check(answers: Answers) -> None:
        assert_refused_or_kept(WAYS[way], answers)

    check()


@pytest.mark.full
@pytest.mark.parametrize("shard", SHARDS)
@pytest.mark.parametrize("way", WAYS)
def test_thousands_of_answers_are_refused_or_kept(way: str, shard: int) -> None:
    @FULL
    @given(GIVEN[way])
    def check(answers: Answers) -> None:
        assert_refused_or_kept(WAYS[way], answers)

    check()


def test_no_rule_fails_on_any_value() -> None:
    @settings(QUICK, max_examples=300)
    @given(answers_of_files)
    def check(answers: Answers) -> None:
        said = refusal(ACCEPTED | answers)
        assert not said or "Answers that cannot be used" in said

    check()


def test_a_page_shows_any_title_and_runs_none(bake: Bake) -> None:
    title = "</title></h1><script>alert(1)</script> \"'> &amp; {{ 7*7 }} <!-- ${x}"
    script = "answers.append(create_app().test_client().get('/').text)"
    (page,) = ask(bake(project_name=title, project_slug="shows-it", starter="chat"), script)
    (plain_page,) = ask(bake(project_name="Plain", project_slug="plain", starter="chat"), script)
    assert tags(page) == tags(plain_page)
    assert html.unescape(page).count(title) == html.unescape(plain_page).count("Plain")


# What a terminal hands on as a text of one line: the rest are keys that edit it, or end it.
typed_texts = texts.map(lambda text: "".join(filter(str.isprintable, text)).strip())
typed_answers = st.fixed_dictionaries(
    dict.fromkeys(free, typed_texts)
    | {"project_slug": typed_texts | slugs.filter(str.isprintable)}
    | choices
)


def typed(folder: Path, answers: Answers) -> tuple[int, str]:
    """Type answers at a terminal and return the status of the command and what it showed."""
    import pty  # not on Windows

    config = folder / "cookiecutterrc"
    config.write_text(f"replay_dir: {folder}/replay\ncookiecutters_dir: {folder}/fetched\n")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cookiecutter", str(ROOT)],
        cwd=folder,
        env=os.environ
        | {"COOKIECUTTER_CONFIG": str(config), "PYTHONUTF8": "1"}
        # As wide as any prompt: a line that is wrapped ends otherwise.
        | {"COLUMNS": "9999", "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    lines = [
        str(CHOICES[question].index(answers[question]) + 1)
        if question in CHOICES
        else answers[question]
        for question in QUESTIONS
    ]
    shown = b""
    try:
        while part := os.read(ours, 4096) if select.select([ours], [], [], 60)[0] else b"":
            shown += part
            # A prompt ends with its default; the terminal shows what is typed only afterwards.
            if lines and shown.endswith(b"): ") and shown.count(b"/8] ") > 8 - len(lines):
                os.write(ours, f"{lines.pop(0)}\n".encode())
    except OSError:
        # This is how Linux says that the other side is gone.
        pass
    finally:
        # A command that still waits for an answer is told that nobody is there any more.
        os.close(ours)
    return process.wait(60), shown.decode(errors="replace").replace("\r\n", "\n")


def assert_typed_is_refused_or_kept(answers: Answers) -> None:
    """Assert the same of answers that are typed."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        status, shown = typed(folder, answers)
        # Enter alone is the default, which only an empty answer gets.
        given = {name: answer for name, answer in answers.items() if answer}
        services = [path for path in folder.iterdir() if path.name not in OURS]
        if status:
            assert "Answers that cannot be used" in shown, shown
            assert not services
        else:
            (service,) = services
            assert_kept(service, given)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
def test_what_is_typed_is_refused_or_kept() -> None:
    @settings(QUICK, max_examples=3)
    @given(typed_answers)
    def check(answers: Answers) -> None:
        assert_typed_is_refused_or_kept(answers)

    check()


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")
@pytest.mark.parametrize("shard", SHARDS)
def test_hundreds_of_typed_answers_are_refused_or_kept(shard: int) -> None:
    @settings(FULL, max_examples=50)
    @given(typed_answers)
    def check(answers: Answers) -> None:
        assert_typed_is_refused_or_kept(answers)

    check()
