# ruff: noqa: D103 - the name of a test says what it asserts
"""The page of the chat, in real browsers, on a service as it runs."""

import html
import json
import os
import re
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from browser import AWAY, Browser, browsing
from conftest import Bake, once
from environments import interpreter
from packages import installed
from selenium.webdriver.common.keys import Keys
from server import Server, eventually, package_of, started

# The next request waits for `go()`, or is lost on its way.
HOLD_REQUEST = """
    const fetch = window.fetch;
    window.fetch = async (...request) => {
      window.fetch = fetch;
      await new Promise((go) => { window.go = go; });
      return fetch(...request);
    };
"""
LOSE_REQUEST = """
    const fetch = window.fetch;
    window.fetch = async () => {
      window.fetch = fetch;
      throw new TypeError("lost");
    };
"""
# Scrolls, and keeps the places that a message has on the screen from then on.
WATCH = """
    const [id, scrollTop] = arguments;
    const text = document.querySelector(`[data-id="${id}"] .text`);
    document.getElementById("log").scrollTop = scrollTop;
    const places = window.places = [];
    (function look() {
      places.push(text.getBoundingClientRect().top);
      requestAnimationFrame(look);
    })();
"""
# Keeps what waits for the server's answer, when there is something.
KEEP_DRAFTS = """
    const setItem = sessionStorage.setItem.bind(sessionStorage);
    Storage.prototype.setItem = (name, value) => {
      if (value !== "[]") window.kept = value;
      setItem(name, value);
    };
"""
# What the page does every few seconds, it does ten times as often.
HURRY = """
    const unhurried = window.setInterval;
    window.setInterval = (action, delay) => unhurried(action, delay / 10);
"""
# Where a text begins that stands somewhere in an element.
LEFT_OF = """
    const [selector, text] = arguments;
    const root = document.querySelector(selector);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const start = walker.currentNode.data.indexOf(text);
      if (start < 0) continue;
      const range = document.createRange();
      range.setStart(walker.currentNode, start);
      range.setEnd(walker.currentNode, start + text.length);
      return range.getBoundingClientRect().left;
    }
"""
WITHOUT_OBSERVER = "window.IntersectionObserver = class { observe() {} disconnect() {} };"
LOOKS = [(*size, scheme) for size in ((1280, 800), (390, 844)) for scheme in ("light", "dark")]

Start = Callable[..., AbstractContextManager[Server]]
Open = Callable[..., Browser]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a service with the chat."""
    return once(tmp_path_factory)(starter="chat")


@pytest.fixture
def start(service: Path, tmp_path: Path) -> Start:
    """`start(*options, **settings)`: the service runs, with a database of this test's own."""
    settings = {"INSTANCE_PATH": str(tmp_path / "instance")}

    def start(*options: str, **more: str) -> AbstractContextManager[Server]:
        return started(interpreter(service), service, *options, **settings | more)

    return start


@pytest.fixture
def server(start: Start) -> Iterator[Server]:
    """Return the service as it runs."""
    with start() as server:
        yield server


@pytest.fixture
def browse(tmp_path: Path) -> Iterator[Open]:
    """`browse(url)`: the page in a new browser, which may not complain until the test's end."""
    with ExitStack() as stack:

        def browse(url: str) -> Browser:
            folder = tmp_path / f"browser-{time.monotonic_ns()}"
            return stack.enter_context(browsing(url, folder))

        yield browse


@pytest.fixture
def ada(server: Server, browse: Open) -> Browser:
    """Return the browser of somebody in the lobby."""
    browser = browse(server.url)
    browser.enter("Ada")
    return browser


@pytest.fixture
def grace(server: Server, browse: Open) -> Browser:
    """Return the browser of somebody else in the lobby."""
    browser = browse(server.url)
    browser.enter("Grace")
    return browser


def call(server: Server, method: str, path: str, body: object = None, token: str = "") -> str:
    """Talk to the service without a page."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    data = json.dumps(body).encode() if body else None
    request = Request(server.url + path, data, headers, method=method)  # noqa: S310
    with urlopen(request) as response:  # noqa: S310
        return str(response.read().decode())


def talk(server: Server, first: int, last: int) -> list[str]:
    """Say something in the lobby for each of these numbers, without a page, and return what."""
    token = json.loads(call(server, "POST", "/session", {"name": "Ada"}))["token"]
    texts = [f"message {number}" for number in range(first, last + 1)]
    for text in texts:
        body = {"text": text, "client_id": str(uuid4())}
        call(server, "POST", "/chat/lobby/messages", body, token)
    return texts


def scroll_up(browser: Browser) -> None:
    """Go to the first message that is on show."""
    browser.driver.execute_script("document.getElementById('log').scrollTop = 0")


def is_in_sight(browser: Browser, selector: str) -> bool:
    """Tell whether an element is where the reader looks, and not above or below."""
    script = """
        const [element, log] = [arguments[0], "#log"].map((found) => document.querySelector(found));
        const [inner, outer] = [element, log].map((box) => box.getBoundingClientRect());
        return outer.top <= inner.top && inner.bottom <= outer.bottom;
    """
    return bool(browser.driver.execute_script(script, selector))


def requests(browser: Browser, part: str) -> int:
    """Return how many requests of the page had this in their URL."""
    script = "return performance.getEntriesByType('resource').map(({ name }) => name)"
    return sum(part in url for url in browser.driver.execute_script(script))


def test_two_people_talk(ada: Browser, grace: Browser) -> None:
    ada.sees("#people", "2 here")
    ada.say("Good morning")
    grace.say("Hello Ada")

    for browser in (ada, grace):
        browser.reads("Good morning", "Hello Ada")
        assert browser.texts("#messages strong") == ["Ada", "Grace"]
        assert browser.texts("#messages .mine strong") == [browser.element("#me").text]
        assert browser.texts("#drafts li") == []


def test_who_types_and_who_leaves_is_seen(ada: Browser, grace: Browser) -> None:
    grace.element("#text").send_keys("I am thinking")
    ada.sees("#typing", "Grace is typing")
    eventually(lambda: not ada.element("body").text.count("typing"), 10)

    grace.element("#text").send_keys("!", Keys.ENTER)
    ada.reads("I am thinking!")
    assert ada.texts("#typing") == [""]

    grace.click("#sign-out")
    ada.sees("#people", "1 here: Ada (you)")
    grace.element("#name")
    assert grace.texts("#name-error") == [""]


def test_typing_ends_by_itself_and_with_whoever_leaves(ada: Browser, grace: Browser) -> None:
    grace.element("#text").send_keys("I am")
    ada.sees("#typing", "Grace is typing")
    eventually(lambda: ada.texts("#typing") == [""], 10)

    grace.element("#text").send_keys(" going")
    ada.sees("#typing", "Grace is typing")
    grace.click("#sign-out")
    ada.sees("#people", "1 here")
    assert ada.texts("#typing") == [""]


def test_tabs_of_one_session_are_one_person(start: Start, browse: Open) -> None:
    with start(PRESENCE_GRACE_SECONDS="0") as server:
        ada, grace = browse(server.url), browse(server.url)
        ada.enter("Ada")
        grace.enter("Grace")
        # It gets a copy of what the first tab keeps, as one that is duplicated does.
        grace.driver.execute_script("window.open(location.href)")
        first, second = grace.driver.window_handles
        grace.driver.switch_to.window(second)
        grace.sees("#people", "2 here: Ada, Grace (you)")
        grace.say("from the second tab")
        ada.reads("from the second tab")
        assert ada.texts("#people") == ["2 here: Ada (you), Grace"]

        grace.driver.close()
        grace.driver.switch_to.window(first)
        grace.reads("from the second tab")
        grace.say("from the first one")
        ada.reads("from the second tab", "from the first one")
        assert ada.texts("#people") == ["2 here: Ada (you), Grace"]


def test_who_has_the_page_out_of_sight_is_away(ada: Browser, grace: Browser) -> None:
    grace.driver.minimize_window()
    ada.sees("#people .away", "Grace (away)")
    grace.driver.refresh()
    grace.sees("#people", "Grace (you) (away)")
    assert ada.texts("#people") == ["2 here: Ada (you), Grace (away)"]

    grace.driver.maximize_window()
    eventually(lambda: ada.texts("#people") == ["2 here: Ada (you), Grace"], 10)
    assert not ada.shown("#people .away")


def test_who_goes_to_another_page_leaves_and_comes_back_with_it(
    ada: Browser, grace: Browser
) -> None:
    grace.driver.get("about:blank")
    eventually(lambda: ada.texts("#people") == ["1 here: Ada (you)"], 15)

    grace.driver.back()
    ada.sees("#people", "2 here")
    grace.sees("#state", "Connected")


def test_nothing_is_missing_after_the_server_was_killed(start: Start, browse: Open) -> None:
    with start() as server:
        port = str(urlsplit(server.url).port)
        people = [browse(server.url), browse(server.url)]
        for browser, name in zip(people, ("Ada", "Grace"), strict=True):
            browser.forgiven = AWAY
            browser.enter(name)
            browser.say(f"before, {name}")
        people[0].reads("before, Ada", "before, Grace")
        people[1].reads("before, Ada", "before, Grace")
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait(10)
        for browser in people:
            browser.sees(".state", "Reconnecting in")
            browser.sees("#notice", "cannot be reached")
        people[0].say("first meanwhile", "second meanwhile")
        people[1].say("third meanwhile")
        assert "Waiting for the connection" in people[0].texts("#drafts .by")

    with start("--port", port):
        people[1].driver.refresh()
        for browser in people:
            browser.sees("#state", "Connected")
            browser.sees("#messages li:nth-child(5)", "meanwhile")
            assert not browser.shown("#notice, #drafts li")
        one, other = (browser.messages() for browser in people)
        assert one == other
        assert sorted(one[2:]) == ["first meanwhile", "second meanwhile", "third meanwhile"]
        assert one.index("first meanwhile") < one.index("second meanwhile")
        people[0].say("after")
        people[1].reads(*one, "after")


def test_a_long_room_opens_with_what_was_said_last(server: Server, browse: Open) -> None:
    texts = talk(server, 1, 250)
    browser = browse(server.url)
    browser.enter("Grace")
    browser.reads(*texts[150:])
    assert is_in_sight(browser, "#messages li:last-child")
    assert not browser.shown("#newest")
    assert not requests(browser, "/messages")
    page = "const page = document.documentElement; return page.scrollHeight - page.clientHeight"
    assert browser.driver.execute_script(page) == 0, "the page scrolls, beside its messages"

    browser.driver.refresh()
    browser.reads(*texts[150:])
    browser.say("now")
    browser.reads(*texts[150:], "now")


@pytest.mark.parametrize("top", [0, 120])
def test_who_scrolls_up_gets_earlier_messages_in_place(
    server: Server, browse: Open, top: int
) -> None:
    texts = talk(server, 1, 250)
    browser = browse(server.url)
    browser.enter("Grace")
    browser.reads(*texts[150:])

    for oldest in (151, 51):
        browser.driver.execute_script(WATCH, oldest + 2, top)
        browser.reads(*texts[max(0, oldest - 101) :])
        time.sleep(0.3)
        places = browser.driver.execute_script("return window.places")
        assert max(places) - min(places) < 1, places

    browser.reads(*texts)
    assert not browser.shown("#earlier, #newest")
    scroll_up(browser)
    assert is_in_sight(browser, "#messages li:first-child")


def test_earlier_messages_are_a_matter_of_keys(server: Server, browse: Open) -> None:
    texts = talk(server, 1, 250)
    browser = browse(server.url)
    # Only the button is left.
    script = {"source": WITHOUT_OBSERVER}
    browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    browser.driver.refresh()
    browser.enter("Grace")
    browser.reads(*texts[150:])

    browser.tab_to("#earlier-button")
    browser.press(Keys.ENTER)
    browser.reads(*texts[50:])
    assert browser.driver.switch_to.active_element == browser.element("#earlier-button")
    browser.press(Keys.ENTER)
    browser.reads(*texts)
    eventually(lambda: not browser.shown("#earlier"))
    assert browser.driver.switch_to.active_element == browser.element("#log")
    browser.press(Keys.HOME)
    eventually(lambda: is_in_sight(browser, "#messages li:first-child"))


def test_earlier_messages_are_asked_for_once(server: Server, browse: Open) -> None:
    texts = talk(server, 1, 120)
    browser = browse(server.url)
    browser.enter("Grace")
    browser.reads(*texts[20:])
    browser.driver.execute_script(HOLD_REQUEST)
    scroll_up(browser)
    browser.sees("#earlier-button[aria-disabled=true]", "Loading")
    browser.click("#earlier-button")
    talk(server, 121, 121)
    browser.reads(*texts[20:], "message 121")

    browser.driver.execute_script("window.go()")
    browser.reads(*texts, "message 121")
    assert requests(browser, "/messages") == 1


def test_earlier_messages_of_a_room_that_was_left_wait_for_the_next_visit(
    server: Server, browse: Open
) -> None:
    texts = talk(server, 1, 120)
    browser = browse(server.url)
    browser.enter("Grace")
    browser.reads(*texts[20:])
    browser.driver.execute_script(HOLD_REQUEST)
    scroll_up(browser)
    browser.sees("#earlier-button", "Loading")
    browser.element("#room-name").send_keys("garden", Keys.ENTER)
    browser.sees("#empty", "Say hello")

    browser.driver.execute_script("window.go()")
    browser.say("in the garden")
    browser.reads("in the garden")
    assert not browser.shown("#earlier")
    browser.driver.back()
    browser.reads(*texts[20:])
    # What is on show at once is what the page has kept; it goes to the end when it has joined.
    browser.sees("#people", "1 here")
    scroll_up(browser)
    browser.reads(*texts)


def test_earlier_messages_that_do_not_come_can_be_asked_for_again(
    server: Server, browse: Open
) -> None:
    texts = talk(server, 1, 120)
    browser = browse(server.url)
    browser.enter("Grace")
    browser.reads(*texts[20:])
    browser.driver.execute_script(LOSE_REQUEST)
    scroll_up(browser)
    browser.sees("#earlier-error", "cannot be reached")
    browser.reads(*texts[20:])

    browser.sees("#earlier-button", "Try again")
    browser.click("#earlier-button")
    browser.reads(*texts)
    assert not browser.shown("#earlier")


def test_nothing_is_missing_around_a_start_in_the_middle(start: Start, browse: Open) -> None:
    with start() as server:
        port = str(urlsplit(server.url).port)
        texts = talk(server, 1, 120)
        browser = browse(server.url)
        browser.forgiven = AWAY
        browser.enter("Grace")
        browser.reads(*texts[20:])
    with start() as server:
        texts += talk(server, 121, 240)

    with start("--port", port):
        browser.reads(*texts[20:])
        scroll_up(browser)
        browser.reads(*texts)


def test_a_message_that_is_sent_again_much_later_leaves_no_gap(
    server: Server, ada: Browser
) -> None:
    # The server has the first message, and the page has not heard of it.
    ada.driver.execute_script(KEEP_DRAFTS)
    ada.say("from long ago")
    ada.reads("from long ago")
    texts = talk(server, 1, 120)

    ada.driver.execute_script("sessionStorage.setItem('drafts', window.kept)")
    ada.driver.refresh()

    ada.sees("#state", "Connected")
    eventually(lambda: ada.driver.execute_script("return sessionStorage.getItem('drafts')") == "[]")
    ada.reads(*texts[20:])
    scroll_up(ada)
    ada.reads("from long ago", *texts)


def test_a_message_that_comes_again_is_shown_and_counted_once(server: Server, ada: Browser) -> None:
    token = json.loads(call(server, "POST", "/session", {"name": "Grace"}))["token"]
    ada.driver.minimize_window()
    said = {"text": "one", "client_id": str(uuid4())}
    for body in (said, said, said, {"text": "two", "client_id": str(uuid4())}):
        call(server, "POST", "/chat/lobby/messages", body, token)

    ada.reads("one", "two")
    eventually(lambda: ada.driver.title.startswith("(2) #lobby"), 10)


def test_the_last_message_is_asked_for_when_the_page_was_not_told_of_it(
    server: Server, browse: Open, tmp_path: Path
) -> None:
    browser = browse(server.url)
    browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": HURRY})
    browser.driver.refresh()
    browser.enter("Ada")
    browser.say("one")
    browser.reads("one")

    with closing(sqlite3.connect(tmp_path / "instance" / "service.db", timeout=10)) as database:
        columns = f"room, 2, author_id, '{uuid4().hex}', 'lost', sent_at"
        database.execute(f"INSERT INTO messages SELECT {columns} FROM messages")  # noqa: S608
        database.execute("UPDATE rooms SET last_id = 2")
        database.commit()

    browser.reads("one", "lost")


def test_a_long_list_of_rooms_comes_in_parts(server: Server, browse: Open, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "instance" / "service.db", timeout=10)) as database:
        rooms = [(f"room-{number:03}",) for number in range(120)]
        database.executemany("INSERT INTO rooms (name, last_id) VALUES (?, 0)", rooms)
        database.commit()
    browser = browse(f"{server.url}/#room-119")
    browser.enter("Ada", "room-119")
    eventually(lambda: len(browser.texts("#room-list li")) == 101)

    browser.click("#more-rooms")

    eventually(lambda: len(browser.texts("#room-list li")) == 121)
    assert not browser.shown("#more-rooms")


def test_a_name_changes_the_place_of_nothing_beside_it(server: Server, browse: Open) -> None:
    names = ["\u05d0\u05d0", "\u05d1\u05d1", "\u05d2\u05d2"]
    browsers = [browse(server.url) for _ in names]
    for browser, name in zip(browsers, names, strict=True):
        browser.enter(name)
    one, *others = browsers
    one.sees("#people", "3 here")

    for other in others:
        other.element("#text").send_keys("I am thinking")
    one.sees("#typing", "are typing")
    # Who has typed this turns what follows around, and does not turn it back.
    others[0].driver.execute_script("document.getElementById('text').value = '\u202e123'")
    others[0].say("")
    one.reads("\u202e123")

    def places(selector: str, *texts: str) -> list[float]:
        return [one.driver.execute_script(LEFT_OF, selector, text) for text in texts]

    in_order = places("#people", "3 here", names[0], "(you)", names[1], names[2])
    assert in_order == sorted(in_order)
    in_order = places("#typing", names[2], "is typing")
    assert in_order == sorted(in_order)
    assert places("#messages time", ":") > places("#messages strong", names[1])


def test_rooms_are_made_and_kept_apart(ada: Browser, grace: Browser) -> None:
    ada.say("in the lobby")
    ada.element("#room-name").send_keys("garden", Keys.ENTER)
    ada.sees("#room-title", "#garden")
    ada.sees("#empty", "Say hello")
    ada.say("in the garden")
    grace.reads("in the lobby")
    grace.sees("#people", "1 here")

    grace.driver.get(ada.driver.current_url)
    grace.driver.refresh()
    grace.reads("in the garden")
    ada.driver.back()
    ada.reads("in the lobby")
    ada.sees("#room-title", "#lobby")


def test_unread_messages_are_counted_in_the_title(ada: Browser, grace: Browser) -> None:
    ada.driver.minimize_window()
    grace.say("one", "two")
    eventually(lambda: ada.driver.title.startswith("(2) #lobby"), 10)
    ada.driver.maximize_window()
    eventually(lambda: ada.driver.title.startswith("#lobby"), 10)


def test_what_is_wrong_is_said_in_words(server: Server, browse: Open) -> None:
    browser = browse(server.url)
    browser.element("#name").send_keys(" ", Keys.ENTER)
    browser.sees("#name-error", "1 to 40 characters")
    browser.element("#name").send_keys("Ada")
    browser.element("#name").send_keys(Keys.ENTER)
    browser.sees("#state", "Connected")

    browser.element("#room-name").send_keys("Not A Name", Keys.ENTER)
    browser.sees("#room-name-error", "a-z and 0-9")
    browser.element("#room-name").clear()
    browser.element("#room-name").send_keys("lobby", Keys.ENTER)
    browser.sees("#room-name-error", "already")

    script = "document.getElementById('text').value = 'x'.repeat(10000)"
    browser.driver.execute_script(script)
    browser.say("")
    browser.sees("#drafts .error", "Not sent")
    browser.click("#drafts button:last-child")
    eventually(lambda: browser.texts("#drafts li") == [])

    browser.driver.get(f"{server.url}/#nowhere")
    browser.sees("#notice", "no room called nowhere")
    browser.click("#notice-button")
    browser.sees("#room-title", "#lobby")


def test_markup_is_shown_as_text(server: Server, browse: Open) -> None:
    text = "<img src=x onerror=alert(1)> &amp; <b>bold</b>"
    browser = browse(server.url)
    browser.enter("<i>Ada</i>")
    browser.say(text)
    browser.reads(text)
    assert browser.texts("#messages strong") == ["<i>Ada</i>"]


def test_the_keyboard_is_enough(server: Server, browse: Open) -> None:
    browser = browse(server.url)
    browser.element("#name")
    browser.press(Keys.TAB, "Ada", Keys.ENTER)
    browser.sees("#people", "Ada (you)")
    browser.press("one line")
    browser.press_with_shift(Keys.ENTER)
    browser.press("another", Keys.ENTER)
    browser.reads("one line\nanother")

    browser.tab_to("#room-name")
    browser.press("garden", Keys.ENTER)
    browser.sees("#room-title", "#garden")
    browser.tab_to("#room-list a[href='#lobby']")
    browser.press(Keys.ENTER)
    browser.sees("#room-title", "#lobby")
    browser.tab_to("#log")
    browser.tab_to("#sign-out")
    browser.press(Keys.ENTER)
    browser.element("#name")


def test_on_a_phone_the_rooms_are_in_a_drawer(ada: Browser) -> None:
    ada.element("#room-name").send_keys("garden", Keys.ENTER)
    ada.sees("#room-title", "#garden")
    ada.hold_look(390, 844, "light")
    assert not ada.shown("#rooms")
    ada.click(".drawer")
    ada.click("#room-list a[href='#lobby']")
    ada.sees("#room-title", "#lobby")
    eventually(lambda: not ada.shown("#rooms"), 10)
    ada.click(".drawer")
    ada.press(Keys.ESCAPE)
    eventually(lambda: not ada.shown("#rooms"), 10)


def test_nothing_stands_in_the_way_of_anybody(server: Server, browse: Open) -> None:
    axe = installed("axe-core@4.11") / "axe-core" / "axe.min.js"
    browser = browse(server.url)
    browser.element("#name")
    for look in LOOKS:
        browser.hold_look(*look)
        assert browser.barriers(axe) == [], look
    browser.enter("Ada")
    browser.say("Hello")
    browser.reads("Hello")
    for look in LOOKS:
        browser.hold_look(*look)
        assert browser.barriers(axe) == [], look


def test_who_is_refused_comes_in_as_soon_as_there_is_a_place(start: Start, browse: Open) -> None:
    with start(MAX_CONNECTIONS="1") as server:
        ada, grace = browse(server.url), browse(server.url)
        ada.forgiven = grace.forgiven = AWAY
        ada.enter("Ada")
        grace.element("#name").send_keys("Grace", Keys.ENTER)
        grace.sees("#notice", "The server refuses")
        grace.sees(".state", "Reconnecting in")
        grace.say("from outside")

        ada.click("#sign-out")
        ada.element("#name")
        grace.click("#notice-button")
        grace.reads("from outside")
        grace.sees("#state", "Connected")
        assert not grace.shown("#notice")


def test_the_official_client_can_be_imported_instead(bake: Bake, browse: Open) -> None:
    service = bake(starter="chat")
    static = service / "src" / package_of(service) / "static"
    script = "socket.io.esm.min.js"
    shutil.copy(installed("socket.io-client@4.8.4") / "socket.io-client" / "dist" / script, static)
    page = (static / "chat.js").read_text(encoding="utf-8")
    page = page.replace('{ io } from "../_client/socket.js"', f'{{ io }} from "./{script}"')
    (static / "chat.js").write_text(page, encoding="utf-8")
    with started(interpreter(service), service) as server:
        ada = browse(server.url)
        ada.forgiven = AWAY
        ada.enter("Ada")
        ada.say("Hello")
        ada.reads("Hello")
        assert requests(ada, script) == 1
        assert requests(ada, "_client/socket.js") == 0


def test_the_end_of_the_session_leads_back_to_the_name(server: Server, ada: Browser) -> None:
    script = "return JSON.parse(sessionStorage.getItem('session')).token"
    token = ada.driver.execute_script(script)
    call(server, "DELETE", "/session", token=token)
    ada.sees("#name-error", "Your session has ended")
    ada.enter("Ada again")


def test_a_token_that_is_no_longer_valid_leads_back_to_the_name(ada: Browser) -> None:
    script = "sessionStorage.setItem('session', JSON.stringify({id: '1', name: 'A', token: 'x'}))"
    ada.driver.execute_script(script)
    ada.driver.refresh()
    ada.sees("#name-error", "Your session has ended")


def test_the_title_is_shown_as_typed(bake: Bake) -> None:
    title = '</title><script>alert(1)</script> {{ 7*7 }} {% raw %} "it\'s" 🙂 שלום \\n ' + "x" * 90
    service = bake(starter="chat", project_name=title, project_slug="odd")
    with started(interpreter(service), service) as server:
        page = server.request("GET", "/")
    found = re.search("<title>(.*)</title>", page.text)
    assert found
    assert html.unescape(found[1]) == title
    assert "<script>alert" not in page.text


def test_the_page_needs_nobody_but_the_service(server: Server, ada: Browser) -> None:
    ada.say("Hello")
    ada.reads("Hello")
    loaded = "return performance.getEntriesByType('resource').map(({ name }) => name)"
    assert all(url.startswith(server.url) for url in ada.driver.execute_script(loaded))
    policy = server.request("GET", "/").headers["Content-Security-Policy"]
    sources = {source for rule in policy.split("; ") for source in rule.split()[1:]}
    assert "default-src 'self'" in policy
    assert sources == {"'self'", "'none'"}


def test_the_page_works_where_no_websocket_does(start: Start, browse: Open) -> None:
    with start(TRANSPORTS="polling") as server:
        people = [browse(server.url), browse(server.url)]
        for browser, name in zip(people, ("Ada", "Grace"), strict=True):
            browser.forgiven = (*AWAY, "WebSocket connection to")
            browser.enter(name)
        people[0].say("by polling")
        for browser in people:
            browser.reads("by polling")


def test_without_the_chat_there_is_no_page(baked: Bake) -> None:
    service = baked(starter="minimal")
    package = service / "src" / package_of(service)
    assert not (package / "templates").exists()
    assert not (package / "static").exists()
