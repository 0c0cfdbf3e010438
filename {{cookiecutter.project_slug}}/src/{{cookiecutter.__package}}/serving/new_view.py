# Owned by the template: an update may change this file.
"""Writing a new view and its test, as something to begin with."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template
from typing import NamedTuple

_VIEW = Template('''"""$title."""

from __future__ import annotations

from pydantic import BaseModel

from ..flask_view import FlaskView, on


class New$cls(BaseModel):
    """What a client sends."""

    name: str


class ${cls}View(FlaskView):
    """Answers at /$path over HTTP, and in the namespace /$path over Socket.IO."""

    route_base = "/$path"
    sends = {"created": New$cls}

    def index(self) -> list[str]:
        """GET /$path: list the names."""
        return []

    @on("create")
    def post(self, new: New$cls) -> New$cls:
        """POST /$path, and the event "create": tell everyone, and the sender again."""
        self.broadcast("created", new)
        return new

    def socket_hello(self, name: str) -> str:
        """Answer the event "hello"."""
        return f"Hello {name}"
''')

_TEST = Template('''"""The view at /$path, by every way there is."""

from flask.testing import FlaskClient

from .support.live import Connect


def test_the_list_is_empty(client: FlaskClient) -> None:
    assert client.get("/$path").json == []


def test_an_event_is_answered_to_its_sender(connect: Connect) -> None:
    assert connect("/$path").call("hello", "Ada") == "Hello Ada"


def test_what_is_created_is_told_to_everyone(connect: Connect) -> None:
    ada, bob = connect("/$path"), connect("/$path")

    # Twice: by the event, and by the request that is the same.
    answer = ada.answer("create", {"name": "new"})

    assert answer == bob.expect("created") == bob.expect("created") == {"name": "new"}


def test_what_has_no_name_is_refused(connect: Connect) -> None:
    answer = connect("/$path").answer("create", {})

    assert answer["error"]["errors"][0]["path"] == ["new", "name"]
''')


class ScaffoldError(Exception):
    """The files cannot be written."""


class NewView(NamedTuple):
    """A view that was written."""

    path: str
    """Its path, and its namespace: ``/chat-rooms``."""
    file: Path
    test: Path | None


def write_view(name: str, views: Path, tests: Path) -> NewView:
    """Write the module of a new view and of its test.

    :param name: the name of the view, in lower case with underscores or dashes: ``chat_rooms``.
    :param views: the folder of the views.
    :param tests: the folder of the tests; without one, no test is written.
    :raises ScaffoldError: the name is none for a module, or there is such a file already.
    """
    module = name.replace("-", "_")
    if not re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", module) or keyword.iskeyword(module):
        raise ScaffoldError(f"{name!r} is no name for a view: a-z and 0-9, such as chat-rooms.")
    words = module.split("_")
    values = {
        "cls": "".join(word.capitalize() for word in words),
        "path": "-".join(words),
        "title": " ".join(words).capitalize(),
    }
    view = NewView(
        "/" + values["path"],
        views / f"{module}.py",
        tests / f"test_{module}.py" if tests.is_dir() else None,
    )
    files = {view.file: _VIEW} | ({view.test: _TEST} if view.test else {})
    for file in files:
        if file.exists():
            raise ScaffoldError(f"{file} is there already; nothing was written.")
    for file, template in files.items():
        file.write_text(template.substitute(values), encoding="utf-8")
    return view
