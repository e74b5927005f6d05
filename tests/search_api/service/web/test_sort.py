"""In a real browser: results by price instead of by match."""

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


def prices(page: sync_api.Page) -> list[float]:
    shown = page.locator("#results .price").all_inner_texts()
    return [float(price.replace(",", "")) for price in shown]


def test_the_cheapest_first_and_back_to_the_best_match(window: Window) -> None:
    page = window.page
    window.open("/?q=umbrella")
    best = window.hits(24)
    order = page.get_by_label("Sort by")
    sync_api.expect(order).to_have_value("")
    order.select_option(label="Price: low to high")
    page.wait_for_url("**sort=price%3Aasc**")
    page.wait_for_function("() => document.querySelector('#results').ariaBusy === 'false'")
    assert len(prices(page)) > 1
    assert prices(page) == sorted(prices(page))
    page.reload()
    sync_api.expect(order).to_have_value("price:asc")
    assert prices(page) == sorted(prices(page))
    order.select_option(label="Price: high to low")
    page.wait_for_url("**sort=price%3Adesc**")
    page.wait_for_function("() => document.querySelector('#results').ariaBusy === 'false'")
    assert prices(page) == sorted(prices(page), reverse=True)
    page.go_back()
    page.go_back()
    assert window.hits(24) == best
    sync_api.expect(order).to_have_value("")


def test_the_whole_catalog_by_price(window: Window) -> None:
    page = window.page
    window.open("/?sort=price:desc")
    window.hits(24)
    sync_api.expect(page.get_by_label("Sort by")).to_have_value("price:desc")
    assert prices(page) == sorted(prices(page), reverse=True)


def test_an_order_that_the_catalog_does_not_have_is_said(window: Window) -> None:
    page = window.page
    window.open("/?q=mug&sort=weight:asc")
    window.hits(24)
    sync_api.expect(page.locator("#notices")).to_contain_text("weight:asc")
    sync_api.expect(page.get_by_label("Sort by")).to_have_value("")


def test_on_a_phone_the_order_fits(browser: sync_api.Browser, server: Server) -> None:
    window = Window(browser, server)
    window.page.set_viewport_size({"width": 360, "height": 740})
    window.open("/?q=umbrella")
    window.hits(24)
    sync_api.expect(window.page.get_by_label("Sort by")).to_be_visible()
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 360
    window.page.close()
