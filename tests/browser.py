"""The chat page as people have it: a browser of their own, a keyboard, and eyes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from programs import program
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from server import eventually

SWITCHES = (
    *("headless=new", "no-sandbox", "no-first-run", "disable-gpu", "disable-quic"),
    *("disable-dev-shm-usage", "disable-background-networking", "disable-component-update"),
    *("disable-sync", "window-size=1280,800"),
)
SECONDS = 15.0
# One look each: between two, the page may have put other elements there.
FOUND = "[...document.querySelectorAll(arguments[0])]"
SHOWN = f"{FOUND}.filter((element) => element.checkVisibility())"
# What Chromium itself says when a server is away; nothing in a page can prevent it.
AWAY = (
    *("net::ERR_CONNECTION_REFUSED", "net::ERR_CONNECTION_RESET"),
    *("net::ERR_EMPTY_RESPONSE", "net::ERR_SOCKET_NOT_CONNECTED"),
)


class Browser:
    """A browser with the chat page of one person."""

    def __init__(self, driver: Chrome, url: str) -> None:
        """Open the page.

        :param driver: the browser.
        :param url: the URL of the service.
        """
        self.driver = driver
        self.url = url
        self.forgiven: tuple[str, ...] = ()
        """Parts of messages on the console that a test expects."""
        driver.get(url)

    def element(self, selector: str) -> WebElement:
        """Return the first element of a CSS selector that the page shows, as soon as it does."""
        return eventually(lambda: self.shown(selector), SECONDS)[0]

    def shown(self, selector: str) -> list[WebElement]:
        """Return the elements of a CSS selector that can be seen now."""
        shown: list[WebElement] = self.driver.execute_script(f"return {SHOWN}", selector)
        return shown

    def texts(self, selector: str) -> list[str]:
        """Return the texts in the elements of a CSS selector, seen or not."""
        texts: list[str] = self.driver.execute_script(
            f"return {FOUND}.map((element) => element.textContent)", selector
        )
        return texts

    def sees(self, selector: str, text: str) -> None:
        """Wait until an element that can be seen holds a text."""
        script = f"return {SHOWN}.some((element) => element.innerText.includes(arguments[1]))"
        eventually(lambda: self.driver.execute_script(script, selector, text), SECONDS)

    def click(self, selector: str) -> None:
        """Click on an element."""
        self.element(selector).click()

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def press_with_shift(self, key: str) -> None:
        """Press a key while the Shift key is down."""
        shifted = ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(key)
        shifted.key_up(Keys.SHIFT).perform()

    def tab_to(self, selector: str) -> None:
        """Press Tab until an element has the focus."""
        for _ in range(20):
            if self.driver.switch_to.active_element in self.shown(selector):
                return
            self.press(Keys.TAB)
        raise AssertionError(f"{selector} is not among what Tab reaches")

    def enter(self, name: str, room: str = "lobby") -> None:
        """Choose a name, and wait until the chat is there."""
        self.element("#name").send_keys(name, Keys.ENTER)
        self.sees("#room-title", f"#{room}")
        self.sees("#state", "Connected")
        self.sees("#people", f"{name} (you)")

    def say(self, *texts: str) -> None:
        """Write messages and send each."""
        for text in texts:
            self.element("#text").send_keys(text, Keys.ENTER)

    def messages(self) -> list[str]:
        """Return the texts of the messages that the server has."""
        return self.texts("#messages .text")

    def reads(self, *texts: str) -> None:
        """Wait until these messages, and no others, are on show in this order."""
        eventually(lambda: self.messages() == list(texts), SECONDS)

    def hold_look(self, width: int, height: int, scheme: str) -> None:
        """Take the size of a device and a colour scheme."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        time.sleep(0.2)

    def barriers(self, axe: Path) -> list[Any]:
        """Return what axe-core finds in the way of people with disabilities."""
        self.driver.execute_script(axe.read_text(encoding="utf-8"))
        script = "axe.run().then((found) => arguments[0](found.violations))"
        violations: list[Any] = self.driver.execute_async_script(script)
        return violations

    def complaints(self) -> list[str]:
        """Return the errors on the console that no test expects, since the last call."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        messages = [entry["message"] for entry in entries if entry["level"] == "SEVERE"]
        return [text for text in messages if not any(part in text for part in self.forgiven)]


@contextmanager
def browsing(url: str, folder: Path) -> Iterator[Browser]:
    """Open a page in a browser of its own, and see at the end that nothing went wrong in it.

    :param url: the URL of the page.
    :param folder: an empty folder for what the browser keeps.
    """
    options = ChromeOptions()
    options.binary_location = str(program("chromium"))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for switch in (*SWITCHES, f"user-data-dir={folder}"):
        options.add_argument(f"--{switch}")
    driver = Chrome(options, ChromeService(str(program("chromedriver"))))
    try:
        browser = Browser(driver, url)
        yield browser
        complaints = browser.complaints()
        assert not complaints, complaints
    finally:
        driver.quit()
