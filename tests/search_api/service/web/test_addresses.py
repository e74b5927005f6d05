"""In a real browser: everything that the page shows is in its address, and Back leads back."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest

from tests.support.browser import Window, sync_api
from tests.support.processes import HOSTILE_ID, Drawn, Server


@pytest.fixture
def window(browser: sync_api.Browser, server: Server) -> Iterator[Window]:
    window = Window(browser, server)
    yield window
    window.page.close()
    assert window.complaints == []


def test_a_product_has_an_address_and_back_leads_to_the_search(window: Window) -> None:
    page = window.page
    details = page.locator("#details")
    window.open("/?q=umbrella")
    found = window.hits(24)
    page.locator("#results .card-open").first.click()
    sync_api.expect(details).to_be_visible()
    address = page.url
    assert urlsplit(address).query == f"q=umbrella&product={found[0]}"
    page.go_back()
    sync_api.expect(details).to_be_hidden()
    assert urlsplit(page.url).query == "q=umbrella"
    assert window.hits(24) == found

    page.go_forward()
    sync_api.expect(details).to_be_visible()
    page.keyboard.press("Escape")
    page.wait_for_url("**/?q=umbrella")
    sync_api.expect(details).to_be_hidden()

    page.goto(address)  # a link to a product over a search
    sync_api.expect(page.locator("#details-title")).to_contain_text("mbrella")
    assert window.hits(24) == found
    page.click("#details-close")
    page.wait_for_url("**/?q=umbrella")
    sync_api.expect(details).to_be_hidden()


@pytest.mark.slow
def test_a_product_needs_no_search(window: Window) -> None:
    window.open(f"/?product={quote(HOSTILE_ID, safe='')}")
    details = window.page.locator("#details")
    sync_api.expect(details).to_contain_text(HOSTILE_ID)
    window.page.keyboard.press("Escape")
    window.page.wait_for_url(f"{window.home}/")
    sync_api.expect(details).to_be_hidden()


@pytest.mark.slow
def test_a_missing_product_is_said_kindly(window: Window) -> None:
    window.open("/?product=no-such")
    title = window.page.locator("#details-title")
    sync_api.expect(title).to_contain_text("There is no product “no-such” here")
    assert "404" in window.complaints.pop()


def test_a_reload_keeps_an_uploaded_picture(window: Window, drawn: Drawn) -> None:
    page = window.page
    window.open()
    page.set_input_files("#upload", drawn.picture("mug-0001"))
    window.first_becomes("mug-0001")
    address = page.url
    page.reload()
    window.first_becomes("mug-0001")
    chip = page.locator("[data-chip=picture]")
    sync_api.expect(chip).to_contain_text("mug-0001.jpg")

    page.fill("#query", "umbrella")
    page.press("#query", "Enter")
    page.wait_for_url("**q=umbrella**")
    page.go_back()
    window.first_becomes("mug-0001")
    assert page.url == address


@pytest.mark.slow
def test_a_picture_of_another_device_is_asked_for_again(window: Window) -> None:
    window.open("/?picture=0123456789ab&q=umbrella")
    window.hits(24)
    notice = window.page.locator("#notices")
    sync_api.expect(notice).to_contain_text("not on this device any more")


@pytest.mark.parametrize("tag", ["nonsense", "shade:red", "price:cheap", "range:1"])
@pytest.mark.slow
def test_an_unknown_tag_is_left_out_and_said(window: Window, tag: str) -> None:
    window.open(f"/?q=umbrella&tag={tag}")
    window.hits(24)
    notice = window.page.locator("#notices .notice")
    sync_api.expect(notice).to_have_count(1)
    sync_api.expect(notice).to_contain_text("which this catalog does not have")
    sync_api.expect(notice).to_contain_text(tag.partition(":")[2] or tag)


@pytest.mark.slow
def test_back_returns_to_the_same_place(window: Window) -> None:
    page = window.page
    window.open("/?q=umbrella")
    window.hits(24)
    page.locator("#more").scroll_into_view_if_needed()
    window.hits(41)
    last = page.locator("#results .card-open").nth(30)
    last.scroll_into_view_if_needed()
    last.click()
    sync_api.expect(page.locator("#details")).to_be_visible()
    page.click("#details-like")
    page.wait_for_url("**/?like=**")
    page.wait_for_function("() => document.querySelector('#results').ariaBusy === 'false'")
    page.go_back()
    page.go_back()
    page.wait_for_url("**/?q=umbrella")
    window.hits(41)
    sync_api.expect(last).to_be_in_viewport()
    page.reload()
    window.hits(41)
    sync_api.expect(last).to_be_in_viewport()
