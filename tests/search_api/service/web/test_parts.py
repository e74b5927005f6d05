"""In a real browser: colours, excluded words, parts of pictures, the tray; all in the address."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.browser import Window, sync_api
from tests.support.processes import Drawn, Server


@pytest.fixture
def window(browser: sync_api.Browser, server: Server) -> Iterator[Window]:
    window = Window(browser, server)
    yield window
    window.page.close()
    assert window.complaints == []
    assert window.hosts == {urlsplit(server.url).netloc}


def address(window: Window) -> dict[str, list[str]]:
    """The parameters of the page's address."""
    return parse_qs(urlsplit(window.page.url).query)


def test_a_colour_and_excluded_words_are_chips_that_can_be_removed(window: Window) -> None:
    page = window.page
    window.open("/?q=umbrella")
    window.hits(24)
    page.click("#add")
    page.locator("#palette").get_by_role("button", name="teal").click()
    sync_api.expect(page.locator("[data-chip=colour]")).to_be_visible()
    page.wait_for_url("**colour=%2300897b**")
    page.click("#add")
    page.fill("#options-words", "stripes")
    page.press("#options-words", "Enter")
    sync_api.expect(page.locator("[data-chip=without]")).to_have_text("without stripes")
    assert address(window) == {"q": ["umbrella"], "not": ["stripes"], "colour": ["#00897b"]}
    window.hits(24)
    page.locator("[data-chip=colour] .chip-remove").click()
    page.locator("[data-chip=without] .chip-remove").click()
    page.wait_for_url("**/?q=umbrella")


def test_an_address_that_is_none_is_not_searched_for(window: Window) -> None:
    page = window.page
    window.open("/?q=umbrella")
    window.hits(24)
    page.click("#add")
    page.fill("#options-url", "somewhere")
    page.press("#options-url", "Enter")
    assert page.evaluate("document.getElementById('options-url').validationMessage")
    assert address(window) == {"q": ["umbrella"]}


def test_a_box_chooses_the_part_of_a_picture_that_counts(window: Window, drawn: Drawn) -> None:
    page = window.page
    window.open()
    page.set_input_files("#upload", drawn.picture("mug-0001"))
    window.first_becomes("mug-0001")
    page.locator("[data-chip=picture] .chip-edit").click()
    page.wait_for_function("document.getElementById('part-picture').naturalWidth > 0")
    frame = page.locator("#part-frame").bounding_box()
    assert frame is not None
    left, top, width, height = frame["x"], frame["y"], frame["width"], frame["height"]
    page.mouse.move(left + width / 4, top + height / 4)
    page.mouse.down()
    page.mouse.move(left + width / 2, top + height * 3 / 4, steps=3)
    page.mouse.up()
    page.keyboard.press("ArrowRight")  # the box has the focus
    page.keyboard.press("Shift+ArrowDown")
    page.get_by_role("button", name="Search with it").click()
    page.wait_for_url("**region=**")
    (region,) = address(window)["region"]
    edges = [float(edge) for edge in region.removeprefix("0:").split(",")]
    assert edges == pytest.approx([0.27, 0.25, 0.52, 0.77], abs=0.02)
    sync_api.expect(page.locator("[data-chip=picture]")).to_contain_text("part")
    window.hits(24)

    page.locator("[data-chip=picture] .chip-edit").click()
    page.get_by_role("button", name="Whole picture").click()
    page.get_by_role("button", name="Search with it").click()
    window.first_becomes("mug-0001")
    assert "region" not in address(window)


def test_the_tray_keeps_products_and_finds_others_like_them(window: Window) -> None:
    page = window.page
    window.open("/?q=umbrella")
    first, second, third = window.hits(24)[:3]
    for product in (first, second, third):
        page.locator(f"[data-hit='{product}']").hover()
        page.locator(f"[data-tray='{product}']").click()
    tray = page.locator("#tray")
    sync_api.expect(tray.locator(".tray-item")).to_have_count(3)
    tray.locator(f"[data-in-tray='{third}'] .tray-turn").click()
    sync_api.expect(tray.locator(f"[data-in-tray='{third}']")).to_have_attribute(
        "data-good", "false"
    )
    page.reload()
    window.hits(24)
    sync_api.expect(tray.locator(".tray-item")).to_have_count(3)
    with page.expect_request("**/v1/recommend") as asked:
        page.get_by_role("button", name="Find more like these").click()
    assert asked.value.post_data_json == {
        "liked": [second, first], "disliked": [third], "k": 24
    }  # fmt: skip
    assert not {first, second, third} & set(window.hits(24))
    assert address(window)["like"] == [second, first, third]
    tray.locator(f"[data-in-tray='{first}'] .tray-out").click()
    tray.get_by_text("Clear all").click()
    sync_api.expect(tray).to_be_hidden()
