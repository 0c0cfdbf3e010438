# ruff: noqa: D103 - the name of a test says what it asserts
"""The first five minutes: what `run` prints, and what a service shows in development."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from browser import browsing
from combinations import CHOICES
from conftest import Bake, once
from environments import interpreter, run_python
from server import Server, package_of, started

HOME = '''
"""A page of the user's own."""

from ..flask_view import FlaskView


class HomeView(FlaskView):
    """Answers at /."""

    route_base = "/"

    def index(self) -> str:
        """GET /: say hello."""
        return "hello"
'''
FAILING = '''
"""A view that fails."""

from ..flask_view import FlaskView


class FailingView(FlaskView):
    """Answers at /failing."""

    def index(self) -> None:
        """GET /failing: fail."""
        raise RuntimeError
'''

Start = Callable[..., AbstractContextManager[Server]]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Bake:
    """`services(**answers)`: the folder of a service, to be run and not to be changed."""
    return once(tmp_path_factory)


@pytest.fixture
def minimal(services: Bake) -> Path:
    """Return a service without a page."""
    return services(starter="minimal")


@pytest.fixture
def server(minimal: Path) -> Iterator[Server]:
    """Yield that service, as it runs in development."""
    with started(interpreter(minimal), minimal) as server:
        yield server


def about(server: Server) -> dict[str, Any]:
    """Return what the page knows of a service."""
    found: dict[str, Any] = json.loads(server.get("/docs/about.json"))
    return found


def numbers(server: Server) -> dict[str, float]:
    """Return what the page counts."""
    found: dict[str, float] = json.loads(server.get("/docs/numbers.json"))
    return found


def said(service: Path, *arguments: str, **settings: str) -> str:
    """Return everything that a command of a service prints."""
    done = run_python(service, 60, "-m", package_of(service), *arguments, **settings)
    return done.stdout + done.stderr


def test_in_development_the_address_of_the_service_leads_to_the_page(server: Server) -> None:
    there = server.request("GET", "/")
    page = server.request("GET", "/docs")

    assert (there.status, there.headers["Location"]) == (302, "/docs")
    assert (page.status, page.headers.get_content_type()) == (200, "text/html")
    for path in re.findall('(?:src|href)="(docs/[^"]+)"', page.text):
        assert server.request("GET", f"/{path}").status == 200, path


def test_the_contract_says_where_each_method_is_written(server: Server, minimal: Path) -> None:
    views = json.loads(server.get("/docs/contract.json"))["views"]

    listed = {
        f"{view['name']}.{method['name']}": method["source"]
        for view in views
        for method in view["methods"]
    }
    assert listed.keys() >= {"EchoView.index", "EchoView.say", "EchoView.socket_repeat"}
    for method, place in listed.items():
        file, line = place.split(":")
        code = (minimal / file).read_text().splitlines()[int(line) - 1 :]
        assert f"def {method.split('.')[1]}(" in "".join(code[:3])


def test_what_clients_do_is_counted_and_not_what_the_page_asks(server: Server) -> None:
    before = numbers(server)
    server.request("GET", "/echo")

    after = numbers(server)

    assert after["requests"] - before["requests"] == 1


def test_in_production_there_is_no_such_page(minimal: Path) -> None:
    settings = {"ENVIRONMENT": "production", "SECRET_KEY": "s" * 32}
    with started(interpreter(minimal), minimal, **settings) as server:
        statuses = [server.request("GET", path).status for path in ("/", "/docs")]

    assert statuses == [404, 404]


def test_a_view_of_the_user_takes_the_address_of_the_service(bake: Bake) -> None:
    service = bake(starter="minimal")
    (service / "src" / package_of(service) / "views" / "home.py").write_text(HOME)
    with started(interpreter(service), service) as server:
        assert server.get("/") == "hello"
        assert server.request("GET", "/docs").status == 200


def test_the_chat_links_to_the_page_in_development_only(services: Bake) -> None:
    service = services(starter="chat")
    production = {"ENVIRONMENT": "production", "SECRET_KEY": "s" * 32}
    with started(interpreter(service), service) as server:
        assert 'href="docs"' in server.get("/")
        assert "/" in about(server)["links"]
    with started(interpreter(service), service, **production) as server:
        assert "docs" not in server.get("/")


def test_errors_are_counted_on_the_page(bake: Bake, tmp_path: Path) -> None:
    service = bake(starter="minimal")
    (service / "src" / package_of(service) / "views" / "failing.py").write_text(FAILING)
    with (
        started(interpreter(service), service) as server,
        browsing(f"{server.url}/docs", tmp_path) as browser,
    ):
        browser.sees("h1", package_of(service))
        browser.sees("#errors", "0")
        server.request("GET", "/failing")
        browser.sees("#errors", "1")


@pytest.mark.parametrize("mode", CHOICES["async_mode"])
def test_run_prints_one_address_and_no_warning(services: Bake, mode: str) -> None:
    service = services(starter="minimal", async_mode=mode)
    with started(interpreter(service), service) as server:
        printed = server.printed()

    lines = printed.splitlines()
    assert printed.count("http://") == 1
    assert lines[0].startswith("Serving on http://127.0.0.1:")
    assert "Warning" not in printed
    assert [line for line in lines[1:] if "INFO" not in line] == (
        ["Eventlet gets bug fixes only. README.md, “Leaving eventlet”, names the two ways out."]
        if mode == "eventlet"
        else []
    )


def test_of_eventlet_nothing_is_said_by_other_commands_and_in_production(minimal: Path) -> None:
    listed = said(minimal, "routes")
    settings = {"ENVIRONMENT": "production", "SECRET_KEY": "s" * 32}
    with started(interpreter(minimal), minimal, **settings) as server:
        printed = server.printed()

    assert "eventlet" not in (listed + printed).lower()


def test_a_new_view_says_where_it_answers_and_how_it_is_tested(bake: Bake) -> None:
    service = bake(starter="minimal")
    package = package_of(service)
    run = partial(said, service, PORT="8100")

    printed = run("new-view", "chat-rooms").splitlines()

    assert printed[:2] == [f"src/{package}/views/chat_rooms.py", "tests/test_chat_rooms.py"]
    assert "http://127.0.0.1:8100/chat-rooms" in printed[3]
    assert "namespace /chat-rooms" in printed[3]
    assert printed[-1] == "Its test: uv run pytest tests/test_chat_rooms.py"
