"""A real browser for tests and screenshots: Debian's chromium, driven by selenium."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

DEADLINE = 30.0  # seconds; no passing test comes near it

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


def why_not() -> str:
    """What is missing for a browser, or an empty text."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    try:
        import selenium  # noqa: F401
    except ImportError:
        missing.append("selenium")
    return f"no browser: {', '.join(missing)} not installed" if missing else ""


def require_browser() -> None:
    """Skip without a browser; where BROWSER_TESTS=required, as in CI, fail instead."""
    if reason := why_not():
        if os.environ.get("BROWSER_TESTS") == "required":
            pytest.fail(reason)
        pytest.skip(reason)


@contextmanager
def chromium(*flags: str) -> Iterator["Browser"]:
    """A browser with a profile of its own, closed at the end."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        for flag in (*_FLAGS, *flags, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = Chrome(options, Service(str(shutil.which("chromedriver"))))
        try:
            yield Browser(driver)
        finally:
            driver.quit()


class Browser:
    """A page, and what a user can do with it."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def get(self, url: str) -> None:
        self.driver.get(url)

    def run(self, script: str, *args: object) -> Any:
        """The value that JavaScript returns."""
        return self.driver.execute_script(script, *args)

    def text(self, selector: str) -> str:
        """The visible text of the first such element; empty when there is none."""
        script = (
            "const e = document.querySelector(arguments[0]); return e?.checkVisibility() ? e.innerText : ''"
        )
        return str(self.run(script, selector))

    def count(self, selector: str) -> int:
        return int(self.run("return document.querySelectorAll(arguments[0]).length", selector))

    def read(self, selector: str) -> str:
        """As `text`, without JavaScript on the page. Raises when there is no such element."""
        return str(self.driver.find_element("css selector", selector).text)

    def click(self, selector: str) -> None:
        self.driver.find_element("css selector", selector).click()

    def type(self, selector: str, text: str) -> None:
        self.driver.find_element("css selector", selector).send_keys(text)

    def press(self, key: str) -> None:
        """Press keys where the focus is."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(key).perform()

    def rattle(self, keys: str) -> None:
        """Several keys in one script, so that no response of the server can come between them."""
        script = """
            for (const key of arguments[0])
                document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}))
        """
        self.run(script, keys)

    def resize(self, width: int, height: int) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def scheme(self, scheme: str) -> None:
        """`dark` or `light`: the preference of the system."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", features=features)

    def command(self, name: str, **values: object) -> Any:
        return self.driver.execute_cdp_cmd(name, values)

    def wait(self, condition: Callable[[], object], what: str = "it") -> None:
        """Poll until the condition holds. A driver error, as while a page is replaced, counts as not yet."""
        from selenium.common.exceptions import WebDriverException

        deadline = time.monotonic() + DEADLINE
        why: Exception | None = None
        while True:
            try:
                if condition():
                    return
            except WebDriverException as exc:
                why = exc
            if time.monotonic() > deadline:
                raise AssertionError(f"{what} did not happen in time") from why
            time.sleep(0.02)

    def wait_for_text(self, selector: str, words: str) -> None:
        self.wait(lambda: words in self.text(selector), f"{words!r} in {selector}")

    def wait_to_read(self, selector: str, words: str) -> None:
        self.wait(lambda: words in self.read(selector), f"{words!r} in {selector}")

    def complaints(self) -> list[str]:
        """Errors and warnings on the console since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


def visit(browser: Browser, url: str) -> None:
    """Open a page of the inspector, and wait until it is live."""
    browser.get(url)
    browser.wait_for_text("#live", "Live")
