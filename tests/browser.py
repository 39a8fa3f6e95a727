"""A real browser for tests: headless Chromium, if the machine has one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
    "--force-prefers-reduced-motion",  # a page that is still scrolling is clicked beside the link
)  # fmt: skip
_PATIENCE = 60
"""Seconds until a page that does not come fails its test. A busy machine takes a few."""
_WIDER_THAN_ITS_WINDOW = """
    const clips = one => one && (getComputedStyle(one).overflowX !== 'visible' || clips(one.parentElement));
    const width = document.documentElement.clientWidth;
    return [...document.body.querySelectorAll('*')].filter(
        one => one.getBoundingClientRect().right > width + 1 && !clips(one.parentElement)
    ).map(one => `${one.tagName} ${one.className} ${one.textContent.trim().slice(0, 40)}`)
"""


@contextmanager
def opened(profile: Path) -> Iterator[Page]:
    """The browser with a profile of its own. Where none is installed the test says so; the integration installs one."""
    program = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        missing = "no Chromium and chromedriver on this machine, so no page was opened in a browser"
        if os.environ.get("CI"):
            pytest.fail(f"{missing}: .ci/run should have installed them")
        pytest.skip(f"{missing} (Debian: apt install chromium chromium-driver)")
    options = ChromeOptions()
    options.binary_location = program
    for argument in (*_ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = Chrome(options=options, service=Service(driver))
    try:
        yield Page(chrome)
    finally:
        chrome.quit()


class Page:
    """What is on the screen."""

    def __init__(self, chrome: Chrome) -> None:
        self._chrome = chrome

    def open(self, address: str, width: int = 1280) -> None:
        """Loads a page in a window of that width, in CSS pixels. What was complained of before is forgotten."""
        self._chrome.set_window_size(width, 900)
        self._chrome.get("about:blank")  # what the page before says late is said now
        self._chrome.get_log("browser")  # type: ignore[no-untyped-call]
        self._chrome.get(address)
        self._await_other_than("about:blank")

    def runs(self, script: str) -> Any:
        """What a script of the test (not of the page) gives back."""
        return self._chrome.execute_script(script)

    def click(self, selector: str) -> None:
        """Clicks the first element that a CSS selector finds."""
        element = self._chrome.find_element("css selector", selector)
        self._chrome.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def follow(self, selector: str) -> None:
        """Clicks the first link that a CSS selector finds, and waits until the browser is where it leads."""
        before = self.address
        self.click(selector)
        self._await_other_than(before)

    def _await_other_than(self, before: str) -> None:
        """The driver returns when it believes that a page is loaded. On a busy machine it has meant the page before."""
        arrived = "return location.href !== arguments[0] && document.readyState === 'complete'"
        WebDriverWait(self._chrome, _PATIENCE, poll_frequency=0.05).until(
            lambda chrome: chrome.execute_script(arrived, before)
        )

    def keep(self, name: str, value: str) -> None:
        """Sets a cookie for the address that is open."""
        self._chrome.add_cookie({"name": name, "value": value})

    def prefers(self, scheme: str) -> None:
        """As for a person who prefers `light` or `dark` pages."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    @property
    def address(self) -> str:
        """Where the browser is now."""
        return self._chrome.current_url

    @property
    def complaints(self) -> list[str]:
        """What the browser's console said of this page: a policy that forbids something is told there."""
        return [entry["message"] for entry in self._chrome.get_log("browser")]  # type: ignore[no-untyped-call]

    @property
    def fetched(self) -> list[str]:
        """Addresses of everything that the page loaded beside itself."""
        return list(self.runs("return performance.getEntriesByType('resource').map(one => one.name)"))

    @property
    def overflow(self) -> list[str]:
        """Elements that stick out of the window to the right, where nobody sees them."""
        return list(self.runs(_WIDER_THAN_ITS_WINDOW))
