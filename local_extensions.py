"""What cookiecutter.json and the hooks need beyond plain Jinja.

Names derived from the title, texts quoted for a file, the rules an answer has to keep, and the
files that a service gets. An answer is only ever looked at: nothing here runs it, writes a file or
reaches the network.
"""

from __future__ import annotations

import fnmatch
import json
import keyword
import os
import re
import shlex
import subprocess
import sys
import time
import unicodedata
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, cast

import click
from cookiecutter.exceptions import FailedHookException  # type: ignore[import-untyped]
from jinja2.ext import Extension
from jinja2.runtime import Context
from slugify import slugify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping

    from jinja2 import Environment

TEXTS = ("project_name", "description", "author_name")
REQUIRED = ("project_name", "project_slug", "author_name")
QUESTIONNAIRE = json.loads(Path(__file__).with_name("cookiecutter.json").read_text("utf-8"))
QUESTIONS = tuple(question for question in QUESTIONNAIRE if not question.startswith("_"))
CHOICES = tuple(each for each in QUESTIONS if isinstance(QUESTIONNAIRE[each], list))

LONGEST_TEXT = 200
LONGEST_SLUG = 63
# A derived slug stays shorter, so that a word can be put before or after it.
LONGEST_DERIVED_SLUG = LONGEST_SLUG - len("-service")
SLUG = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")


PACKAGE = "{{cookiecutter.__package}}"
ANY_CHOICE = "|".join(re.escape(each) for question in CHOICES for each in QUESTIONNAIRE[question])
MARKED = re.compile(rf"(?P<stem>.+?)(?P<choices>(?:__(?:{ANY_CHOICE}))+)(?P<suffix>\..*)?")
# What cookiecutter puts between the folder of a service and one that is in it, and nowhere else.
HERE = f"{os.sep}.{os.sep}"


def words(text: str) -> set[str]:
    """Return the words of a text."""
    return set(text.split())


KEYWORDS = {word.lower() for word in [*keyword.kwlist, *keyword.softkwlist, "type"]}
# Beside the modules of the Python that runs cookiecutter: those of a Python the service may run on.
STANDARD_LIBRARY = {
    *getattr(sys, "stdlib_module_names", ()),
    *words("annotationlib compression sitecustomize test tomllib usercustomize"),
    *words("asynchat asyncore cgi distutils imp pipes smtpd telnetlib"),
}
# Import names and distribution names of everything a service may install, with "_" for "-".
DEPENDENCIES = words(
    """
    alembic amqp annotated_types anyio apscheduler ast_serialize attr attrs bidict blinker brotli
    certifi cffi charset_normalizer click colorama coverage cryptography dns dnspython dotenv
    engineio eventlet execnet flask flask_alembic flask_classful flask_classy flask_cors
    flask_migrate flask_socketio flask_sqlalchemy gevent gevent_websocket geventwebsocket greenlet
    gunicorn h11 hatchling idna importlib_metadata iniconfig itsdangerous jinja2 kafka kafka_python
    kombu librt locust mako markupsafe mock msgpack msgspec mypy mypy_extensions mypyc orjson
    packaging pathspec pip pkg_resources pluggy prometheus_client psutil psycopg psycopg2
    psycopg2_binary psycopg_binary psycopg_pool py pycparser pydantic pydantic_core
    pydantic_settings pygments pytest pytest_timeout pytest_xdist python_dateutil python_dotenv
    python_engineio python_socketio pyyaml redis requests ruff setuptools simple_websocket six
    socketio sqlalchemy tomlkit trove_classifiers types_cffi types_gevent types_greenlet
    types_psutil types_pyopenssl types_redis types_requests types_setuptools typing_extensions
    typing_inspection tzdata urllib3 uv valkey vine watchdog websocket websocket_client websockets
    werkzeug wheel wsproto xdist yaml zmq zope zope_event zope_interface
    """
)
# Folders that stand beside the package, and commands that stand beside its own.
SERVICE = words(
    """
    activate build conftest deactivate deploy dist docs instance migrations node_modules python
    python3 src tests venv
    """
)
WINDOWS = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}


def as_text(value: object) -> str:
    """Return a text as it is, and an empty one for what is none.

    A config file or a replayed one may have a number, a list or nothing in the place of a text.
    """
    return value if isinstance(value, str) else ""


def package_for(slug: object) -> str:
    """Return the import name of a slug."""
    return as_text(slug).replace("-", "_").replace(".", "_")


def slug_for(title: object) -> str:
    """Return a slug that is accepted, whatever the title is."""
    slug: str = slugify(as_text(title), max_length=LONGEST_DERIVED_SLUG) or "realtime-service"
    if slug[0].isdigit():
        return f"service-{slug}"
    return f"{slug}-service" if slug_problem(slug) else slug


def author_for(title: object) -> str:
    """Return the author of a service nobody has put a name to."""
    return f"The {cleaned(as_text(title))[: LONGEST_TEXT - 20].strip() or 'service'} authors"


def toml_string(text: str) -> str:
    """Return a text in double quotes, for TOML, JSON, YAML and Python alike.

    Characters beyond ASCII stay as they are: JSON's pairs of surrogates are no TOML.
    """
    return json.dumps(text, ensure_ascii=False)


def slug_problem(slug: str) -> str:
    """Return the rule a slug breaks, or nothing."""
    if not slug.strip():
        return "is required"
    if len(slug) > LONGEST_SLUG:
        return f"has at most {LONGEST_SLUG} characters; this has {len(slug)}"
    if not SLUG.fullmatch(slug):
        return "is made of a-z and 0-9, with a single - _ or . between them"
    if slug[0].isdigit():
        return "starts with a letter, because Python imports it by that name"
    package = package_for(slug)
    owners = {
        "a keyword of Python": package in KEYWORDS,
        "a module of Python's standard library": package in STANDARD_LIBRARY,
        "a package the service depends on": package in DEPENDENCIES,
        "a folder or a command of the service": package in SERVICE,
        "a name Windows keeps for itself": slug.split(".")[0] in WINDOWS,
    }
    return next((f"may not be {owner}" for owner, owns in owners.items() if owns), "")


def text_problem(question: str, text: str) -> str:
    """Return the rule a free text breaks, or nothing."""
    if question in REQUIRED and not text.strip():
        return "is required"
    controls = sorted({character for character in text if is_control(character)})
    if controls:
        found = ", ".join(ascii(character) for character in controls[:3])
        return f"is one line without control characters; this has {found}"
    if len(text) > LONGEST_TEXT:
        return f"has at most {LONGEST_TEXT} characters; this has {len(text)}"
    return ""


def is_control(character: str) -> bool:
    """Tell whether a character ends a line, steers a terminal or is none at all."""
    category = unicodedata.category(character)
    return category in {"Cc", "Cs", "Zl", "Zp"} or character in "\ufffe\uffff"


def cleaned(text: str) -> str:
    """Return a free text without what is refused."""
    spaced = "".join(" " if is_control(character) else character for character in text)
    return " ".join(spaced.split())[:LONGEST_TEXT].strip()


def problem(question: str, answers: Mapping[str, object]) -> str:
    """Return the rule an answer breaks, or nothing."""
    answer, choices = answers.get(question), QUESTIONNAIRE[question]
    if isinstance(choices, list):
        return "" if answer in choices else f"is one of {', '.join(choices)}"
    if not isinstance(answer, str):
        return "is a text"
    return slug_problem(answer) if question == "project_slug" else text_problem(question, answer)


def problems(answers: Mapping[str, object]) -> dict[str, str]:
    """Return the rule broken by each answer that breaks one."""
    found = {question: problem(question, answers) for question in QUESTIONS}
    return {question: rule for question, rule in found.items() if rule}


def suggestion(question: str, answers: Mapping[str, object]) -> str:
    """Return an answer that would be accepted, as near to the one given as can be."""
    answer, title = as_text(answers.get(question)), as_text(answers.get("project_name"))
    if question == "project_slug":
        return slug_for(answer if slugify(answer) else cleaned(title))
    if question not in TEXTS:
        return str(QUESTIONNAIRE[question][0])
    defaults = {"project_name": "My Realtime Service", "author_name": author_for(title)}
    return cleaned(answer) or defaults.get(question, "")


def shown(value: object) -> str:
    """Return a value as a terminal can show it: on one line, escaped and not too long."""
    if not isinstance(value, str):
        return "no text" if value is None else f"{value!r:.60}"
    return repr(value) if len(value) <= 60 else f"{value[:60]!r}... ({len(value)} characters)"


def argument(question: str, answer: str) -> str:
    """Return `question=answer` for the command line, where cookiecutter renders the answer."""
    if answer.isprintable() and not re.search(r"\{[{%#]", answer):
        return f"{question}={answer}"
    return f"{question}={{{{ {answer!a} }}}}"


def retry(answers: Mapping[str, object]) -> str:
    """Return the command that gives the same answers, the refused ones repaired."""
    refused = problems(answers)
    given = {
        question: suggestion(question, answers) if question in refused else str(answers[question])
        for question in QUESTIONS
    }
    # uvx leaves no cookiecutter behind that could be called by its name.
    program = ["uvx", "cookiecutter"] if "archive-v" in sys.prefix else ["cookiecutter"]
    template = as_text(answers.get("_template")) or str(Path(__file__).resolve().parent)
    answered = [argument(*answer) for answer in given.items()]
    words = [*program, template, "--no-input", *_options(), *answered]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _options() -> list[str]:
    """Return the options by which the command that runs says what to make where."""
    command = click.get_current_context(silent=True)
    given = command.params if command else {}
    folder = str(given.get("output_dir", "."))
    options = [] if folder == "." else ["--output-dir", folder]
    for name in ("checkout", "directory"):
        options += [f"--{name}", str(given[name])] if given.get(name) else []
    flags = ("overwrite_if_exists", "skip_if_file_exists")
    return options + [f"--{flag.replace('_', '-')}" for flag in flags if given.get(flag)]


def refusal(answers: Mapping[str, object]) -> str:
    """Return the whole message about answers that cannot be used, or nothing."""
    refused = problems(answers)
    if not refused:
        return ""
    lines = ["", f"Answers that cannot be used: {len(refused)}"]
    for question, rule in refused.items():
        lines += [
            "",
            f"  {question}: {shown(answers.get(question))}",
            f"    rule: {question} {rule}",
            f"    try:  {suggestion(question, answers)}",
        ]
    lines += ["", "Try again with these changes:", "", retry(answers), ""]
    return "\n".join([*lines, "Nothing was written."])


class Files:
    """The files of one service, while cookiecutter makes them one after the other.

    `name__choice.ext` is for the service that chose `choice`, `name__choice__other.ext` for either
    of the two; there it is `name.ext`. A file of another choice is never written, so that nothing
    has to be renamed or deleted afterwards: all else in the folder of a service is its owner's.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        """Choose the files."""
        self._chosen = {answers[question] for question in CHOICES}
        self._package = package_for(answers["project_slug"])
        self._files: set[PurePath] = set()
        self._made: list[Path] = []

    def named(self, source: str) -> str:
        """Return the name that a file or a folder gets, before the answers are put into it.

        Where a file gets none, cookiecutter does not write it.
        """
        project, here, name = source.partition(HERE)
        if here:
            self._enter(Path(project), self._path(name))
            return source
        self._sweep()
        return self._called(source)

    def _enter(self, project: Path, name: PurePath) -> None:
        """Look at a folder that is about to be made; before the first one, at everything."""
        if not self._files:
            # cookiecutter stands in the folder of the template that is being walked through.
            found = [path for path in Path().rglob("*") if path.is_file()]
            folders = {self._path(str(folder)) for path in found for folder in path.parents[:-1]}
            self._files = {self._path(self._called(str(path))) for path in found} - {PurePath()}
            stop_for_obstacles(project, self._files, folders)
        needed = any(name in file.parents for file in self._files)
        if not needed and not os.path.lexists(project / name):
            self._made.append(project / name)

    def _sweep(self) -> None:
        """Remove the folders again that were made and that this service has no file for."""
        for folder in reversed(self._made):
            with suppress(OSError):
                folder.rmdir()

    def _called(self, source: str) -> str:
        """Return what a file is called, or nothing where it is for another choice."""
        name = PurePath(source)
        marked = MARKED.fullmatch(name.name)
        if not marked:
            return source
        if self._chosen.isdisjoint(marked["choices"].split("__")):
            return ""
        return str(name.with_name(marked["stem"] + (marked["suffix"] or "")))

    def _path(self, name: str) -> PurePath:
        return PurePath(name.replace(PACKAGE, self._package))


def is_copied(name: str) -> bool:
    """Tell whether a file is to stay as it is, whatever in it looks like Jinja."""
    patterns = QUESTIONNAIRE["_copy_without_render"]
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def stop_for_obstacles(project: Path, files: set[PurePath], folders: set[PurePath]) -> None:
    """Stop before the first file is written, where one of them cannot be.

    :raises FailedHookException: with all that is in the way; cookiecutter prints it.
    """
    command = click.get_current_context(silent=True)
    skips = bool(command and command.params.get("skip_if_file_exists"))
    found = {}
    for name in sorted(files | folders):
        path, reason = obstacle(project, name, name in files, skips)
        if reason:
            found[path] = reason
    if found:
        lines = ["", f"In the way of the service in {project}: {len(found)}", ""]
        lines += [f"  {path} {reason}" for path, reason in found.items()]
        lines += ["", "Move them away. Nothing was written."]
        raise FailedHookException("\n".join(lines))


def obstacle(project: Path, name: PurePath, is_file: bool, skips: bool) -> tuple[PurePath, str]:
    """Return what is in the way of a file or a folder of the service, and the reason, if any.

    :param skips: whether a file that is there already is left alone.
    """
    path = project / name
    above = next(folder for folder in name.parents if os.path.lexists(project / folder))
    if not (project / above).is_dir():
        return above, "is no folder, and the service has one there"
    if not os.path.lexists(path):
        writable = os.access(project / above, os.W_OK | os.X_OK)
        return above, "" if writable else "is a folder that nothing may be written into"
    if path.is_symlink() and not path.exists():
        return name, "is a link that leads nowhere"
    if not is_file or skips:
        return name, ""
    if path.is_symlink():
        return name, "is a link, and what it leads to is no file of the service"
    if not path.is_file():
        return name, "is no file, and the service has one there"
    return name, "" if os.access(path, os.W_OK) else "may not be written"


class CheckedContext(Context):
    """What a file or a name is rendered with: answers that are complete are checked before.

    A hook would come too late: it runs when the folder is there, whose name may lead anywhere. The
    first that is rendered with all answers is `__checked` in cookiecutter.json, as soon as the last
    question is answered; and the name of the folder, where answers are not asked for.
    """

    def __init__(
        self,
        environment: Environment,
        parent: dict[str, Any],
        name: str | None,
        blocks: dict[str, Callable[[Context], Iterator[str]]],
        globals: MutableMapping[str, Any] | None = None,
    ) -> None:
        """Check the answers once all of them are given, by whatever way, and add what follows."""
        answers = parent.get("cookiecutter", {})
        if answers.keys() >= {*QUESTIONS}:
            extension = environment.extensions[Filters.identifier]
            cast("Filters", extension).begin(answers)
            # Replayed answers may be without these, or have those of another version.
            derived = {
                "__package": package_for(answers["project_slug"]),
                "_version": QUESTIONNAIRE["_version"],
            }
            parent["cookiecutter"] = answers | derived
        super().__init__(environment, parent, name, blocks, globals)


class Filters(Extension):
    """What templates use of the functions above, as filters; and the files of the service."""

    def __init__(self, environment: Environment) -> None:
        """Add the filters to cookiecutter's environment."""
        super().__init__(environment)
        filters = (author_for, package_for, refusal, slug_for, toml_string)
        environment.filters.update({function.__name__: function for function in filters})
        environment.context_class = CheckedContext
        self._files: Files | None = None
        forget()

    def begin(self, answers: dict[str, Any]) -> None:
        """Check the answers and choose the files, the first time.

        :raises FailedHookException: with the refusal; cookiecutter prints it, and no traceback.
        """
        if self._files:
            return
        if message := refusal(answers):
            raise FailedHookException(message)
        self._files = Files(answers)
        # cookiecutter copies these over what is there, even when that is to be skipped; so they are
        # rendered like all others, and `preprocess` keeps them as they are.
        answers.pop("_copy_without_render", None)

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Give a file its name in the service, and keep one as it is that holds no answers."""
        # The loader is there when cookiecutter comes to the files, and not for answers and hooks.
        if not self._files or not self.environment.loader:
            return source
        if name is None:
            return self._files.named(source)
        return f"{{% raw %}}{source}{{% endraw %}}" if is_copied(name) else source


def forget() -> None:
    """Have this module loaded anew by whoever asks for it next.

    An update renders two versions of the template in one process, from one folder: the second is
    to find its own filters.
    """
    sys.modules.pop(__name__, None)
    source = Path(__file__)
    # Python compares whole seconds to tell whether what it keeps compiled is up to date, and two
    # versions may be written within one.
    with suppress(OSError):
        if time.time() - source.stat().st_mtime < 60:
            Path(cache_from_source(str(source))).unlink(missing_ok=True)
