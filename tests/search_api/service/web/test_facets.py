"""In a real browser: filters made of the catalog's own fields, and the catalog to browse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.browser import Window, sync_api
from tests.support.processes import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def window(browser: sync_api.Browser, server: Server) -> Iterator[Window]:
    window = Window(browser, server)
    yield window
    window.page.close()
    assert window.complaints == []


def value(page: sync_api.Page, field: str, name: str) -> sync_api.Locator:
    group = page.locator("#facets").get_by_role("group", name=field, exact=True)
    return group.get_by_role("button", name=name)


def categories(page: sync_api.Page) -> set[str]:
    notes = page.locator("#results .card-notes").all_inner_texts()
    return {note.split(" · ")[0] for note in notes if note}


def test_values_of_a_field_are_alternatives_and_can_be_removed(window: Window) -> None:
    page = window.page
    window.open("/?q=red")
    window.hits(24)
    group = page.locator("#facets").get_by_role("group", name="Category", exact=True)
    one, other = (name.split()[0] for name in group.get_by_role("button").all_inner_texts()[:2])
    value(page, "Category", one).click()
    page.wait_for_url(f"**tag=category%3A{one}**")
    sync_api.expect(value(page, "Category", one)).to_have_attribute("aria-pressed", "true")
    assert categories(page) == {one}
    # The other values still have their counts, for they are alternatives.
    value(page, "Category", other).click()
    page.wait_for_url(f"**category%3A{other}**")
    chips = page.locator("#chosen .filter-chip")
    sync_api.expect(chips).to_have_count(2)
    sync_api.expect(value(page, "Category", other)).to_have_attribute("aria-pressed", "true")
    assert categories(page) == {one, other}
    page.get_by_role("button", name=f"Remove Category: {one}").click()
    sync_api.expect(chips).to_have_count(1)
    assert categories(page) == {other}
    page.get_by_role("button", name="Clear all").click()
    sync_api.expect(chips).to_have_count(0)
    window.hits(24)


def test_a_range_of_prices(window: Window) -> None:
    page = window.page
    window.open("/?q=mug")
    window.hits(24)
    box = page.get_by_label("Price: to")
    box.fill("15")
    box.press("Enter")
    page.wait_for_url("**range=price**")
    sync_api.expect(page.locator("#chosen .filter-chip")).to_contain_text("15")
    prices = page.locator("#results .price").all_inner_texts()
    assert prices
    assert max(map(float, prices)) <= 15


def test_the_start_page_is_a_catalog_to_browse(window: Window) -> None:
    page = window.page
    window.open()
    tile = page.locator("#home-facets a.kind").first
    sync_api.expect(tile.locator("img")).to_be_visible()
    page.wait_for_function("() => document.querySelector('.kind img').naturalWidth > 0")
    name = tile.locator("bdi").inner_text()
    tile.click()
    sync_api.expect(page.locator("#results [data-hit]").first).to_be_visible()
    assert categories(page) == {name}
    page.locator("a[data-home]").click()
    sync_api.expect(tile).to_be_visible()


def test_on_a_phone_the_first_card_is_above_the_fold(
    browser: sync_api.Browser, server: Server
) -> None:
    window = Window(browser, server)
    window.page.set_viewport_size({"width": 390, "height": 844})
    window.open("/?q=umbrella")
    window.hits(24)
    box = window.page.locator("#results [data-hit]").first.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 844
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 390
    window.page.close()
