"""In a real browser: suggestions while one types, and what was searched for before."""

from __future__ import annotations

import pytest

from tests.support.browser import Window, sync_api
from tests.support.processes import Server


@pytest.mark.slow
def test_typing_suggests_what_the_catalog_has(browser: sync_api.Browser, server: Server) -> None:
    window = Window(browser, server)
    page = window.page
    window.open()
    options = page.get_by_role("option")
    page.locator("#query").press_sequentially("umbr")
    sync_api.expect(options.first).to_contain_text("mbrella")
    page.keyboard.press("ArrowDown")
    sync_api.expect(options.first).to_have_attribute("aria-selected", "true")
    marked = page.locator("#query").get_attribute("aria-activedescendant")
    assert page.locator(f"#{marked}").count() == 1
    text = options.first.locator("bdi").inner_text()
    page.keyboard.press("Enter")
    sync_api.expect(page.locator("#query")).to_have_value(text)
    sync_api.expect(page.locator("#results [data-hit]").first).to_contain_text(text)
    sync_api.expect(options).to_have_count(0)

    page.fill("#query", "")
    sync_api.expect(options).to_have_text([text])  # searched before
    page.keyboard.press("Escape")
    sync_api.expect(options).to_have_count(0)
    page.reload()
    page.fill("#query", "")
    page.focus("#query")
    page.click("#query")
    sync_api.expect(options).to_have_text([text])
    page.get_by_role("button", name="Forget these").click()
    page.click("#query")
    sync_api.expect(options).to_have_count(0)
    page.close()
    assert window.complaints == []
