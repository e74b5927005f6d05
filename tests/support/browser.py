"""A page of the service in a real browser; modules that import this are skipped without one."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.processes import PATIENCE, Server

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

__all__ = ["IMAGE_LOADED", "Window", "launch", "sync_api"]

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

IMAGE_LOADED = "() => document.querySelector('#results [data-hit] img').naturalWidth > 0"
"""JavaScript: whether the picture of the first card is loaded."""


def launch(playwright: sync_api.Playwright) -> sync_api.Browser:
    """Start Chromium, or skip the test if there is none."""
    sync_api.expect.set_options(timeout=1000 * PATIENCE)
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    found = found or playwright.chromium.executable_path
    if not Path(found).exists():
        pytest.skip("there is no Chromium here")
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    return playwright.chromium.launch(executable_path=found, args=arguments)


class Window:
    """A page, with its complaints in the console and the hosts that it asked."""

    def __init__(self, browser: sync_api.Browser, server: Server) -> None:
        self.page: sync_api.Page = browser.new_page(viewport={"width": 1200, "height": 900})
        self.page.set_default_timeout(1000 * PATIENCE)
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", lambda request: self._note_host(request.url))
        self.home = server.url

    def _note(self, message: sync_api.ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _note_host(self, url: str) -> None:
        if not url.startswith(("blob:", "data:")):
            self.hosts.add(urlsplit(url).netloc)

    def open(self, address: str = "/") -> None:
        """Load the page."""
        self.page.goto(self.home + address)

    def hits(self, count: int) -> list[str]:
        """The ids of the cards, once there are so many."""
        cards = self.page.locator("#results [data-hit]")
        sync_api.expect(cards).to_have_count(count)
        return [card.get_attribute("data-hit") or "" for card in cards.all()]

    def first_becomes(self, product_id: str) -> sync_api.Locator:
        """The first card, once it is a product's."""
        first = self.page.locator("#results [data-hit]").first
        sync_api.expect(first).to_have_attribute("data-hit", product_id)
        return first
