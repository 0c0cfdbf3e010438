# ruff: noqa: D103 - the name of a test says what it asserts
"""The page /docs in a real browser: what it shows of a service, and what one can try with it."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from browser import AWAY, Browser, browsing
from conftest import Bake, once
from environments import interpreter
from packages import installed
from programs import program
from selenium.webdriver.common.keys import Keys
from server import Server, eventually, package_of, started
from test_client import OFFICIAL, OURS, TYPED

# Chromium says so on the console of every answer from 400 on; nothing in a page can prevent it.
REFUSED = "Failed to load resource: the server responded with a status of 4"
LOOKS = [(*size, scheme) for size in ((1280, 800), (390, 844)) for scheme in ("light", "dark")]
TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
POLICY = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
ODD = "it's \"so\" \\ and \\n\nnext\t$HOME `id` ${x} %s 'end' 🙂 </script> é"
WITHOUT_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
TYPE = """
    const [card, label, value] = arguments;
    const field = document.querySelector(`${card} [aria-label="${label}"]`);
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
"""
HURRY = """
    const unhurried = window.setTimeout;
    window.setTimeout = (action, delay, ...values) => unhurried(action, delay / 20, ...values);
"""
PRESS = """
    const [card, words] = arguments;
    const buttons = [...document.querySelectorAll(`${card} button`)];
    buttons.find((button) => button.textContent === words).click();
"""


# ---- What there is to look at --------------------------------------------------------------------


class Docs(Browser):
    """A browser with the page /docs."""

    def at(self, address: str) -> None:
        """Open the page anew at an address, without a token."""
        self.driver.execute_script("sessionStorage.clear()")
        self.driver.get("about:blank")
        self.driver.get(f"{self.url}{address}")
        eventually(lambda: self.shown("#view, #overview"), 15)

    def fill(self, method: str, label: str, value: str) -> None:
        """Type a value where a method is tried."""
        self.driver.execute_script(TYPE, card(method), label, value)

    def do(self, method: str, words: str) -> None:
        """Press a button where a method is tried."""
        self.driver.execute_script(PRESS, card(method), words)

    def answered(self, method: str, *words: str) -> None:
        """Wait for what an answer shows."""
        for part in words:
            self.sees(f"{card(method)} .answers", part)

    def copied(self, method: str, languages: str) -> str:
        """Return what the button of a language copies, where there is no clipboard."""
        self.driver.execute_script(WITHOUT_CLIPBOARD)
        self.do(method, languages)
        selected: str = self.driver.execute_script("return getSelection().toString()")
        (text,) = self.texts(f"{card(method)} .copier pre")
        assert text == selected
        return text


def card(method: str) -> str:
    """Return the selector of the part of the page about a method."""
    return f'article[aria-label="{method}"]'


class StandIn:
    """Serves the page with a contract that a test has written, and keeps what else is asked."""

    def __init__(self, package: Path, contract: dict[str, Any]) -> None:
        """Serve it below a prefix, as a proxy does."""
        self.contract, self.fails, self.seen = contract, 0, list[tuple[str, ...]]()
        page = package / "contract/page/static"
        known = {f"/p/docs/static/{path.name}": path for path in page.iterdir()}
        known |= {"/p/docs": page / "index.html", "/p/_client/socket.js": package / OURS}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                if path in known:
                    self.answer(known[path].read_bytes(), TYPES[known[path].suffix])
                elif path == "/p/docs/contract.json" and not outer.fails:
                    self.answer(json.dumps(outer.contract).encode(), "application/json")
                elif path == "/p/docs/about.json":
                    # As in production.
                    self.answer(b"null", "application/json")
                elif path.startswith("/p/docs/"):
                    outer.fails = max(outer.fails - 1, 0)
                    self.send_error(404)
                else:
                    self.keep()

            def keep(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                token = self.headers.get("Authorization", "")
                document = json.dumps(json.loads(body or "null"))
                outer.seen.append((self.command, self.path, token, document))
                self.answer(b'{"id": "seven"}', "application/json")

            def do_POST(self) -> None:
                self.keep()

            def answer(self, body: bytes, media: str) -> None:
                self.send_response(200)
                for name, value in (("Content-Type", media), ("Content-Security-Policy", POLICY)):
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/p/docs"
        Thread(target=self.server.serve_forever, daemon=True).start()


def method(name: str, **more: Any) -> dict[str, Any]:
    """Return a method of a contract, which says no more than it is told."""
    nothing = {"doc": "", "source": "src/views.py:1", "routes": [], "events": [], "parameters": []}
    return {
        "name": name,
        **nothing,
        "rest": False,
        "result": None,
        "ack": None,
        "errors": [],
        "limits": [],
        **more,
    }


def view(name: str, *methods: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a view of a contract."""
    nothing = {"doc": "", "source": "src/views.py:1", "path": "/odd", "namespace": "/odd"}
    return {
        "name": name,
        **nothing,
        "auth": None,
        "limits": [],
        "sends": None,
        "methods": [*methods],
        **more,
    }


def takes(name: str, schema: Any) -> dict[str, Any]:
    """Return a required parameter."""
    return {"name": name, "required": True, "schema": schema}


EVIL = "<img src=x onerror='window.evil = 1'></script><script>window.evil = 1</script>"
REF = "#/components/schemas/"
TREE = {
    "type": "object",
    "properties": {"of": {"type": "array", "items": {"$ref": f"{REF}Tree"}}},
    "required": ["of"],
}
ENDLESS = {"type": "object", "properties": {"in": {"$ref": f"{REF}Endless"}}, "required": ["in"]}
TAKES = method(
    "take",
    routes=[
        {
            "method": "POST",
            "path": "/take/{word}",
            "places": {"word": "path", "more": "query", "body": "body"},
        }
    ],
    parameters=[
        takes("word", {"type": "string"}),
        takes("more", {"type": "array", "items": {"type": "string"}}),
        takes("body", {}),
    ],
    result={
        "statuses": ["2XX"],
        "media": "application/json",
        "schema": {"type": "object", "properties": {"id": {"type": "integer"}}},
    },
)
ODD_VIEWS = [
    view("TakingView", TAKES, namespace=None),
    view(
        "EvilView",
        method(
            "hurt", doc=EVIL, events=["<b>", "__proto__"], errors=[{"status": 400, "detail": EVIL}]
        ),
        method(
            "constructor",
            events=["constructor"],
            parameters=[
                takes(
                    "__proto__", {"type": "object", "properties": {"__proto__": {"default": EVIL}}}
                ),
                takes("constructor", {"$ref": f"{REF}constructor"}),
                takes(EVIL, {"enum": [EVIL]}),
            ],
        ),
        doc=EVIL,
        path='/it\'s/"odd"',
        sends={"<b>": {"type": "array", "prefixItems": [{"const": EVIL}]}, "__proto__": {}},
    ),
    view(
        "FormView",
        method("draw", events=["draw"], parameters=[takes("all", {"$ref": f"{REF}Everything"})]),
        namespace="/form",
        sends={"one": {"type": "array", "prefixItems": [{"type": "integer"}], "minItems": 1}},
    ),
    view(
        "EndlessView",
        method("tree", events=["tree"], parameters=[takes("tree", {"$ref": f"{REF}Tree"})]),
        method(
            "endless", events=["endless"], parameters=[takes("endless", {"$ref": f"{REF}Endless"})]
        ),
        method("loop", events=["loop"], parameters=[takes("loop", {"$ref": f"{REF}Loop"})]),
        method("knot", events=["knot"], parameters=[takes("knot", {"$ref": f"{REF}Knot"})]),
        method(
            "broken", events=["broken"], parameters=[takes("odd", {"enum": 5, "mark": "enum-5"})]
        ),
        method("worse", events=["worse"], parameters=None, doc="mark-worse"),
        method("fine", events=["fine"], parameters=[takes("number", {"type": "integer"})]),
    ),
]
EVERYTHING = {
    "type": "object",
    "required": ["text", "kind", "fixed", "id", "flag", "list", "inner", "pair", "either", "any"],
    "properties": {
        "text": {"type": "string"},
        "kind": {"enum": ["red", "green", 3]},
        "fixed": {"const": "v1"},
        "id": {"type": "string", "format": "uuid"},
        "flag": {"type": "boolean"},
        "list": {"type": "array", "items": {"type": "integer"}},
        "inner": {"type": "object", "properties": {"size": {"type": "number"}}},
        "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
        "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "any": {},
        "left": {"type": "string", "default": "out"},
    },
}
KNOT = {"anyOf": [{"$ref": f"{REF}Knot"}, {"$ref": f"{REF}Knot"}]}
SCHEMAS = {
    "Knot": KNOT,
    "Everything": EVERYTHING,
    "Tree": TREE,
    "Endless": ENDLESS,
    "Loop": {"$ref": f"{REF}Loop"},
}


def contract(views: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a contract of these views."""
    words = {"title": "odd-service", "version": "1.2.3", "description": "Odd things."}
    return {**words, "views": views, "schemas": SCHEMAS}


# ---- Fixtures ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Bake:
    """`services(**answers)`: the folder of a service, to be run and not to be changed."""
    return once(tmp_path_factory)


@pytest.fixture(scope="module")
def package(services: Bake) -> Path:
    """Return the package of a service, for its files."""
    service = services(starter="chat")
    return service / "src" / package_of(service)


@pytest.fixture(scope="module")
def server(services: Bake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Yield the chat as it runs in development."""
    service = services(starter="chat")
    place = str(tmp_path_factory.mktemp("instance"))
    with started(interpreter(service), service, INSTANCE_PATH=place) as server:
        yield server


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docs]:
    """Yield a browser for one test after the other."""
    with browsing("about:blank", tmp_path_factory.mktemp("browser")) as browser:
        docs = Docs(browser.driver, "about:blank")
        yield docs


@pytest.fixture
def docs(window: Docs, server: Server) -> Iterator[Docs]:
    """Yield the page of the chat, which complains of nothing but what the test forgives."""
    yield from opened(window, f"{server.url}/docs")


@pytest.fixture
def stand_in(package: Path) -> Iterator[StandIn]:
    """Yield a service that shows odd views."""
    served = StandIn(package, contract(ODD_VIEWS))
    yield served
    served.server.shutdown()
    served.server.server_close()


@pytest.fixture
def odd(window: Docs, stand_in: StandIn) -> Iterator[Docs]:
    """Yield the page with them."""
    yield from opened(window, stand_in.url)


def opened(window: Docs, url: str, *forgiven: str) -> Iterator[Docs]:
    """Yield the window with the page, as somebody sees it who comes for the first time."""
    window.url, window.forgiven = url, forgiven
    window.hold_look(1280, 800, "light")
    window.driver.get(url)
    window.at("")
    yield window
    complaints = window.complaints()
    window.driver.get("about:blank")
    assert complaints == []


def sign_in(docs: Docs) -> None:
    """Get a token with the page itself, and use it."""
    docs.driver.execute_script("location.hash = 'SessionView.post'")
    docs.element(card("post"))
    docs.fill("post", "new.name", "Ada")
    docs.do("post", "Send request")
    docs.answered("post", "201", "as promised")
    docs.do("post", "Use this token")


# ---- Reading -------------------------------------------------------------------------------------


def test_the_first_screen_says_what_runs_and_how_busy_it_is(docs: Docs, server: Server) -> None:
    docs.sees("h1", "is running")
    docs.sees("#versions", "Python")
    docs.sees("#views", "ChatView")
    for link in ("openapi.json", "asyncapi.json", "types.ts"):
        assert docs.shown(f"a[href='docs/{link}']")
        assert server.request("GET", f"/docs/{link}").status == 200
    docs.sees("#connections", "0")
    docs.sees("#errors", "0")
    docs.sees("#requests", ".")


def test_a_view_is_described_as_it_is_written(docs: Docs) -> None:
    docs.at("#ChatView")

    names = docs.texts("article h2 a")
    assert names[:4] == ["index", "get", "post", "messages"]
    text = docs.element(card("send")).text
    for part in ("POST", "/chat/{room}/messages", "EVENT", "NewMessage", "201", "404", "chat.py:"):
        assert part in text
    docs.sees(card("post"), "At most 20 per minute, by user.")
    docs.sees('article[aria-label="What it sends"]', "session.ended")
    docs.sees('article[aria-label="What connecting takes"]', "Credentials")


def test_a_model_unfolds(docs: Docs) -> None:
    docs.at("#ChatView.send")
    assert not docs.shown(f"{card('send')} .tree .tree")

    docs.click(f"{card('send')} .tree summary")

    docs.sees(f"{card('send')} .tree .tree", "client_id")
    docs.sees(f"{card('send')} .tree .tree", "at most 4,000 characters")


def test_an_address_leads_to_a_method_and_back(docs: Docs) -> None:
    docs.at("#ChatView.send")
    docs.sees(card("send"), "say something")
    eventually(lambda: docs.driver.title.startswith("ChatView.send"), 10)
    assert docs.driver.execute_script("return document.activeElement.innerText") == "send"

    docs.click("nav a[href='#EchoView']")
    eventually(lambda: docs.driver.title.startswith("EchoView"), 10)
    docs.driver.back()

    eventually(lambda: docs.driver.title.startswith("ChatView.send"), 10)
    docs.sees(card("send"), "say something")


def test_who_has_only_a_keyboard_finds_and_tries_a_method(docs: Docs) -> None:
    docs.press("/")
    docs.press(*"repeat")
    docs.sees("#found", "found")
    docs.press(Keys.ARROW_DOWN, Keys.ENTER)
    docs.sees(card("socket_repeat"), "several times over")

    docs.tab_to(f"{card('socket_repeat')} [aria-label='message']")
    docs.press(*"hey")
    docs.tab_to(f"{card('socket_repeat')} .main")
    docs.press(Keys.ENTER)
    docs.answered("socket_repeat", "hey hey", "as promised")

    docs.press("/", Keys.ARROW_DOWN, Keys.ESCAPE)
    assert docs.texts("#found") == [""]
    assert docs.driver.switch_to.active_element == docs.element("#search")


def test_the_search_finds_whatever_has_a_name(docs: Docs) -> None:
    for words, found in (
        ("sessionview", "#SessionView"),
        ("people", "#ChatView.people"),
        ("post /chat", "#ChatView.send"),
        ("rooms", "#ChatView.index"),
        ("session.ended", "#ChatView.(sends)"),
    ):
        docs.driver.execute_script(
            TYPE, "#sidebar", "Search views, methods, routes and events", words
        )
        assert docs.shown(f"nav a[href='{found}']"), words


def test_every_view_is_drawn_without_a_word_on_the_console(docs: Docs) -> None:
    docs.driver.get_log("browser")  # type: ignore[no-untyped-call]
    views = docs.driver.execute_script(
        "return [...document.querySelectorAll('nav a')].map((link) => link.hash)"
    )
    for address in views:
        docs.driver.execute_script("location.hash = arguments[0]", address)
        docs.element("#view h1")
        assert not docs.shown(".undrawn")
    assert len(views) >= 5
    assert docs.driver.get_log("browser") == []  # type: ignore[no-untyped-call]


def test_nothing_stands_in_the_way_of_anybody(docs: Docs) -> None:
    axe = installed("axe-core@4.11") / "axe-core" / "axe.min.js"
    for address in ("", "#ChatView.send"):
        docs.at(address)
        if address:
            docs.driver.execute_script(
                "document.querySelectorAll('summary').forEach((one) => one.click())"
            )
            docs.forgiven = (REFUSED,)
            docs.fill("send", "room", "lobby")
            docs.do("send", "Send request")
            docs.answered("send", "401", "as promised")
            docs.click("#connect")
            docs.sees("#dock", "Refused")
        for look in LOOKS:
            docs.hold_look(*look)
            assert docs.barriers(axe) == [], (address, look)
            assert overhang(docs) == 0, (address, look)


def overhang(browser: Browser) -> int:
    """Return by how many pixels the page is wider than the window."""
    script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    pixels: int = browser.driver.execute_script(script)
    return pixels


def test_on_a_phone_the_list_of_views_is_behind_a_button(docs: Docs) -> None:
    docs.hold_look(390, 844, "light")
    assert not docs.shown("nav")

    docs.click("#menu")
    docs.click("nav a[href='#EchoView']")

    docs.sees("#view h1", "EchoView")
    assert not docs.shown("nav")


# ---- Trying --------------------------------------------------------------------------------------


def test_a_request_is_compared_with_what_is_promised(docs: Docs) -> None:
    docs.at("#EchoView.say")
    docs.fill("say", "message", "a b?#%ü🙂")

    docs.do("say", "Send request")

    docs.answered("say", "200", " ms", "application/json", "a b?#%ü🙂", "as promised")


def test_an_event_is_compared_and_so_is_what_arrives(docs: Docs) -> None:
    docs.at("#EchoView.say")
    docs.fill("say", "message", "hello")

    docs.do("say", "Send event")

    docs.answered("say", "Acknowledged", "as promised")
    docs.click("#arrived")
    docs.sees("#arrivals", "said")
    docs.sees("#arrivals", "as promised")
    docs.click("#disconnect")
    docs.sees("#dock", "Not connected")


def test_both_ways_are_tried_and_compared(docs: Docs) -> None:
    docs.at("#EchoView.say")
    docs.fill("say", "message", "hello")

    docs.do("say", "Try both")

    docs.answered("say", "200", "Acknowledged", "both answer the same")


def test_the_minimal_service_can_be_tried_as_well(services: Bake, window: Docs) -> None:
    service = services(starter="minimal")
    with started(interpreter(service), service) as server:
        for docs in opened(window, f"{server.url}/docs"):
            docs.sees("h1", "is running")
            docs.at("#EchoView.say")
            docs.fill("say", "message", "hello")
            docs.do("say", "Try both")
            docs.answered("say", "200", "both answer the same")


def test_what_is_invalid_is_refused_by_the_service_and_shown(docs: Docs) -> None:
    docs.forgiven = (REFUSED,)
    docs.at("#EchoView.socket_repeat")
    docs.fill("socket_repeat", "message", "x" * 201)
    docs.do("socket_repeat", "Send event")
    docs.answered("socket_repeat", "Refused with 422", "at most 200 characters", "as promised")

    docs.at("#SessionView.post")
    docs.do("post", "Send request")
    docs.answered("post", "422", "problem+json", "at least 1 character", "as promised")


def test_with_a_token_one_is_let_in_and_told_what_is_not_there(docs: Docs) -> None:
    docs.forgiven = (REFUSED,)
    docs.at("#ChatView.get")
    docs.fill("get", "room", "lobby")
    docs.do("get", "Try both")
    docs.answered("get", "401", "The connection was refused: ")
    docs.sees("#reason", '"status":401')

    sign_in(docs)
    docs.click("nav a[href='#ChatView']")
    docs.fill("get", "room", "nowhere")
    docs.do("get", "Try both")
    docs.answered("get", "404", "Refused with 404", "both refuse it, with the same status")
    docs.sees("#dock", "Connected")


def test_what_is_said_in_a_room_arrives(docs: Docs) -> None:
    sign_in(docs)
    docs.click("nav a[href='#ChatView']")
    for name in ("socket_join", "send"):
        docs.fill(name, "room", "lobby")
    docs.do("socket_join", "Send event")
    docs.answered("socket_join", "Acknowledged", "as promised")
    docs.fill("send", "message.text", "Hello")

    docs.do("send", "Send request")

    docs.answered("send", "201", "as promised")
    docs.click("#arrived")
    docs.sees("#arrivals", "message")
    docs.sees("#arrivals", "as promised")


def test_a_wrong_token_is_refused_with_the_reason(docs: Docs) -> None:
    docs.at("#ChatView")
    docs.element("#token").send_keys("wrong")

    docs.click("#connect")

    docs.sees("#dock", "Refused")
    docs.sees("#reason", '"status":401')


def test_nobody_waits_for_ever_for_an_ack(docs: Docs) -> None:
    docs.at("#EchoView.say")
    docs.fill("say", "message", "lost")
    docs.click("#connect")
    docs.sees("#dock", "Connected")
    docs.driver.execute_script(HURRY + "WebSocket.prototype.send = () => {};")

    docs.do("say", "Send event")

    docs.answered("say", "No ack came within 8 seconds.")


def test_what_is_said_when_connecting_can_be_written_by_hand(docs: Docs) -> None:
    sign_in(docs)
    token = value_of(docs, "token", "id")
    docs.at("#ChatView")
    docs.click("#arrived")
    docs.click("#dock-body summary")
    docs.driver.execute_script(TYPE, "#dock", "auth as JSON", json.dumps({"token": token}))

    docs.click("#connect")

    docs.sees("#dock", "Connected")


def test_the_page_reconnects_to_a_service_that_comes_back(
    services: Bake, window: Docs, tmp_path: Path
) -> None:
    service = services(starter="minimal")
    run = interpreter(service)
    with started(run, service) as server:
        pages = opened(window, f"{server.url}/docs", *AWAY)
        docs = next(pages)
        docs.at("#EchoView")
        docs.click("#connect")
        docs.sees("#dock", "Connected")
    docs.sees("#connection", "Reconnecting")
    docs.sees("#wait", "in ")
    docs.click("#home")
    docs.sees("#away", "does not answer")
    with started(run, service, "--port", str(urlsplit(server.url).port)):
        eventually(lambda: not docs.shown("#away"), 15)
        docs.click("nav a[href='#EchoView']")
        docs.sees("#dock", "Connected")
        docs.fill("socket_repeat", "message", "again")
        docs.do("socket_repeat", "Send event")
        docs.answered("socket_repeat", "again again")
        assert list(pages) == []


def test_the_form_and_the_json_are_in_step(odd: Docs, stand_in: StandIn) -> None:
    odd.at("#TakingView.take")
    odd.click(f"{card('take')} .raw summary")
    odd.fill("take", "word", "one")
    assert '"word": "one"' in value_of(odd, "Arguments as JSON")

    odd.fill("take", "Arguments as JSON", '{"word": "two", "more": ["x"],}')
    odd.sees(f"{card('take')} .fault", "position 30")
    odd.do("take", "Send request")
    odd.fill("take", "Arguments as JSON", '{"word": "two", "more": ["x"], "body": {"a": 1}}')

    assert value_of(odd, "word") == "two"
    assert value_of(odd, "more, 1") == "x"
    assert stand_in.seen == []


def value_of(docs: Docs, name: str, attribute: str = "aria-label") -> str:
    """Return what is in a field."""
    script = "return document.querySelector(arguments[0]).value"
    value: str = docs.driver.execute_script(script, f"[{attribute}='{name}']")
    return value


def test_a_form_makes_a_value_of_every_kind(odd: Docs) -> None:
    odd.at("#FormView.draw")
    form = card("draw")

    odd.fill("draw", "all.text", 'say "hi"')
    choose(odd, f"{form} [aria-label='all.kind']", 1)
    odd.click(f"{form} [aria-label='Generate: all.id']")
    odd.click(f"{form} [aria-label='all.flag']")
    for number in ("5", "many"):
        odd.click(f"{form} [aria-label='Add to all.list']")
        odd.fill("draw", f"all.list, {1 if number == '5' else 2}", number)
    odd.click(f"{form} [aria-label='Remove all.list, 1']")
    odd.click(f"{form} [aria-label='Send all.inner.size']")
    odd.fill("draw", "all.inner.size", "1.5")
    odd.fill("draw", "all.pair, 2", "b")
    choose(odd, f"{form} [aria-label='Kind of all.either']", 1)
    odd.fill("draw", "all.any as JSON", '{"a": [1]}')

    value = json.loads(value_of(odd, "Arguments as JSON"))["all"]
    assert re.fullmatch(
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-.{12}", value.pop("id")
    )
    assert value == {
        "text": 'say "hi"',
        "kind": "green",
        "fixed": "v1",
        "flag": True,
        "list": ["many"],
        "inner": {"size": 1.5},
        "pair": [0, "b"],
        "either": None,
        "any": {"a": [1]},
    }


def choose(docs: Docs, selector: str, index: int) -> None:
    """Choose an option of a list."""
    script = "arguments[0].selectedIndex = arguments[1]; arguments[0].onchange()"
    docs.driver.execute_script(script, docs.element(selector), index)


def test_values_are_compared_with_schemas(odd: Docs) -> None:
    kinds: list[tuple[dict[str, Any], Any, str]] = [
        ({"type": "integer"}, 1, ""),
        ({"type": "number"}, 1, ""),
        ({"type": "integer"}, 1.5, "is number, not integer"),
        ({"type": ["string", "null"]}, None, ""),
        ({"maximum": 3}, 4, "is not at most 3"),
        ({"exclusiveMinimum": 3}, 3, "is not more than 3"),
        ({"multipleOf": 0.1}, 0.3, ""),
        ({"maxLength": 1}, "🙂", ""),
        ({"maxLength": 1}, "ab", "is not at most 1 character"),
        ({"pattern": "^[a-z]+$"}, "A", "is not matching ^[a-z]+$"),
        ({"pattern": "(?P<python>a)"}, "A", ""),
        ({"format": "uuid"}, "no", "is no uuid"),
        ({"enum": [1, {"a": 2}]}, {"a": 2}, ""),
        ({"const": "a"}, "b", 'is not "a"'),
        ({"minItems": 1}, [], "is not at least 1 item"),
        ({"uniqueItems": True}, [{"a": 1}, {"a": 1}], "is not without a repetition"),
        ({"prefixItems": [{}, {"type": "string"}]}, [1, 2], "1: is integer, not string"),
        ({"items": False}, [1], "0: should not be there"),
        ({"required": ["a"]}, {}, "has no a"),
        ({"required": ["constructor"]}, {}, "has no constructor"),
        ({"additionalProperties": False, "properties": {}}, {"a": 1}, "a: should not be there"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, "is not string or null"),
        ({"$ref": f"{REF}Tree"}, {"of": [{"of": []}, {}]}, "of.1: has no of"),
        ({"$ref": f"{REF}Loop"}, 1, ""),
        ({"$ref": f"{REF}Knot"}, 1, ""),
    ]
    script = """
        const [kinds, done] = arguments;
        import("./docs/static/schema.js").then(({ check }) => done(kinds.map(([schema, value]) =>
          check(schema, value).map(({ path, reason }) => (path && `${path}: `) + reason).join())));
    """
    found = odd.driver.execute_async_script(script, kinds)
    assert found == [reason for _, _, reason in kinds]


def test_what_arrives_is_compared_with_what_the_views_of_the_namespace_send(odd: Docs) -> None:
    arrivals = [
        ("/form", "one", [1], "as promised"),
        ("/form", "one", ["1"], "does not match: 0: is string, not integer"),
        ("/form", "one", [], "does not match: is not at least 1 item"),
        ("/form", "other", [], "not declared"),
        ("/form", "constructor", [], "not declared"),
        ("/odd", "<b>", [EVIL], "as promised"),
        ("/odd", "other", [], "not said"),
    ]
    script = """
        const [arrivals, done] = arguments;
        import("./docs/static/promise.js").then(({ judgeArrival }) =>
          done(arrivals.map((arrival) => judgeArrival(...arrival.slice(0, 3)).words)));
    """
    found = odd.driver.execute_async_script(script, arrivals)
    assert found == [words for *_, words in arrivals]


def test_an_answer_that_is_not_as_promised_is_named(odd: Docs) -> None:
    odd.at("#TakingView.take")
    odd.fill("take", "word", "one")

    odd.do("take", "Send request")

    odd.answered("take", "does not match: id: is string, not integer")


def test_a_url_without_one_of_its_parts_is_not_sent(odd: Docs, stand_in: StandIn) -> None:
    odd.at("#TakingView.take")

    odd.do("take", "Send request")

    odd.answered("take", "word is a part of the URL: it cannot be “”.")
    assert stand_in.seen == []


def test_copied_requests_send_exactly_what_the_form_holds(
    odd: Docs, stand_in: StandIn, tmp_path: Path
) -> None:
    odd.at("#TakingView.take")
    body = {ODD: [ODD, None, True, 1.5, {"__proto__": {"a": 1}}], "__proto__": "own"}
    odd.fill(
        "take", "Arguments as JSON", json.dumps({"word": ODD, "more": [ODD, "&"], "body": body})
    )
    odd.driver.execute_script("arguments[0].value = ''", odd.element("#token"))
    odd.element("#token").send_keys("a'b\"$c`d")
    odd.do("take", "Send request")
    odd.answered("take", "200")

    run(program("bash"), "-c", odd.copied("take", "curl"))
    run(sys.executable, "-c", odd.copied("take", "Python"))
    run(program("node"), "--input-type=module", "--eval", odd.copied("take", "JavaScript"))

    sent, *copied = stand_in.seen
    assert json.loads(sent[3]) == body
    assert copied == [sent] * 3


def test_copied_events_send_exactly_what_the_form_holds(docs: Docs, tmp_path: Path) -> None:
    docs.at("#EchoView.socket_repeat")
    docs.fill("socket_repeat", "Arguments as JSON", json.dumps({"message": ODD, "times": 1}))
    script = tmp_path / "script.mjs"
    (tmp_path / "node_modules").symlink_to(installed(OFFICIAL))

    by_python = run(sys.executable, "-c", docs.copied("socket_repeat", "Python"))
    script.write_text(docs.copied("socket_repeat", "JavaScript"), encoding="utf-8")
    by_node = run(program("node"), str(script))

    assert by_python == by_node == f"{ODD}\n"


def run(*command: str | Path) -> str:
    """Run a command, and return what it prints."""
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# ---- Odd contracts -------------------------------------------------------------------------------


def test_names_and_docstrings_are_text_and_nothing_else(odd: Docs) -> None:
    odd.at("#EvilView")
    odd.driver.execute_script("document.querySelectorAll('summary').forEach((one) => one.click())")
    odd.do("hurt", "Python")

    odd.sees(card("hurt"), "<img src=x")
    odd.sees(card("hurt"), "<b>")
    odd.sees("#view header", '/it\'s/"odd"')
    script = "return [window.evil, ({}).a, document.querySelectorAll('#view img, #view b').length]"
    assert odd.driver.execute_script(script) == [None, None, 0]
    assert '"__proto__": {}' in value_of(odd, "Arguments as JSON")


def test_what_cannot_be_drawn_is_json_and_leaves_the_rest_alone(odd: Docs) -> None:
    odd.at("#EndlessView")

    assert odd.shown(f"{card('endless')} textarea")
    assert odd.shown(f"{card('loop')} textarea")
    assert odd.shown(f"{card('knot')} textarea")
    odd.sees(f"{card('broken')} .undrawn", "enum-5")
    odd.sees(".undrawn", "mark-worse")
    assert odd.shown(f"{card('fine')} [aria-label='number']")
    for _ in range(8):
        odd.driver.execute_script(
            "document.querySelectorAll('details:not([open]) summary').forEach((one) => one.click())"
        )
    assert len(odd.texts(f"{card('tree')} .tree .name")) > 3


def test_a_page_without_its_contract_says_so_and_tries_again(odd: Docs, stand_in: StandIn) -> None:
    odd.forgiven = ("404",)
    stand_in.fails = 2
    odd.driver.refresh()

    odd.sees("#loading", "does not load")

    odd.sees("h1", "odd-service")
    odd.sees("#versions", "1.2.3")
    assert not odd.shown("#numbers, #next")


def test_sixty_views_are_there_at_once(odd: Docs, stand_in: StandIn) -> None:
    many = [
        view(f"View{at}", *(method(f"do{one}", events=[f"done{one}"]) for one in range(10)))
        for at in range(60)
    ]
    stand_in.contract = contract(many)
    assert min(seconds_to_open(odd) for _ in range(3)) < 1

    searched_in = odd.driver.execute_async_script(
        """
        const done = arguments[0];
        const start = performance.now();
        document.querySelector("#search").value = "done7 view59";
        document.querySelector("#search").dispatchEvent(new Event("input"));
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
        """
    )
    assert odd.texts("nav a span")[0] == "done7"
    assert searched_in < 200


def seconds_to_open(docs: Docs) -> float:
    """Load the page anew, and return after how many seconds all its views are there."""
    start = time.monotonic()
    docs.driver.refresh()
    docs.sees("#views", "View59")
    return time.monotonic() - start


def test_the_scripts_have_no_errors_of_types(package: Path, tmp_path: Path) -> None:
    shutil.copytree(package / "contract/page/static", tmp_path / "docs/static")
    (tmp_path / "_client").mkdir()
    shutil.copy(package / OURS, tmp_path / "_client")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    checker = installed("typescript@5.9") / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        [program("node"), checker, *TYPED, *sorted((tmp_path / "docs/static").glob("*.js"))],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_nothing_becomes_html_or_code(package: Path) -> None:
    for path in (package / "contract/page/static").iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\b|new Function", text)
        assert not re.search(r'\sstyle="|\son\w+="|<script>|https?://(?!www\.w3\.org)', text), path
