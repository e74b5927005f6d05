"""The page in a real browser, over a real server; a part of the tests by default."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.support.browser import IMAGE_LOADED, Window, sync_api
from tests.support.processes import HOSTILE_ID, HOSTILE_TITLE, PATIENCE, Cli, Drawn, Server, serve


@pytest.fixture
def window(browser: sync_api.Browser, server: Server) -> Iterator[Window]:
    """A page; at the end it must have no complaints, and have asked no other host."""
    window = Window(browser, server)
    yield window
    window.page.close()
    assert window.complaints == []
    assert window.hosts == {urlsplit(server.url).netloc}


def test_words_find_cards(window: Window) -> None:
    window.open()
    window.page.fill("#query", "umbrella")
    window.page.press("#query", "Enter")
    found = window.hits(24)
    assert found[0].startswith("umbrella-")
    assert re.match(r"\d+ results? in", window.page.text_content("#status") or "")
    assert urlsplit(window.page.url).query == "q=umbrella"
    card = window.page.locator("#results [data-hit]").first
    assert "mbrella" in card.inner_text()
    picture = card.locator("img")
    sync_api.expect(picture).to_be_visible()
    window.page.wait_for_function(IMAGE_LOADED)

    window.page.locator("#more").scroll_into_view_if_needed()
    all_found = window.hits(41)
    assert all_found[:24] == found
    assert {HOSTILE_ID, "mug-0001", "umbrella-0001"} <= set(all_found)
    sync_api.expect(window.page.locator("#more")).to_be_hidden()


@pytest.mark.slow
def test_an_address_with_words_is_a_search(window: Window) -> None:
    window.open("/?q=red+sofa")
    assert window.page.input_value("#query") == "red sofa"
    first = window.hits(24)
    window.page.fill("#query", "mug")
    window.page.press("#query", "Enter")
    window.page.wait_for_url("**/?q=mug")
    window.page.wait_for_function("id => document.querySelector('[data-hit]').dataset.hit !== id",
                                  arg=first[0])  # fmt: skip
    window.page.go_back()
    window.first_becomes(first[0])
    assert window.page.input_value("#query") == "red sofa"


def test_an_uploaded_image_finds_its_product(window: Window, drawn: Drawn) -> None:
    window.open()
    window.page.set_input_files("#upload", drawn.picture("mug-0001"))
    window.first_becomes("mug-0001")
    chip = window.page.locator("[data-chip=picture]")
    sync_api.expect(chip).to_be_visible()
    chip.locator(".chip-remove").click()
    sync_api.expect(chip).to_have_count(0)


@pytest.mark.slow
def test_more_like_a_card(window: Window) -> None:
    window.open("/?q=sneaker")
    liked = window.hits(24)[0]
    window.page.locator("#results [data-hit]").first.get_by_text("More like this").click()
    sync_api.expect(window.page.locator("[data-chip=like]")).to_be_visible()
    window.page.wait_for_function(
        "id => document.querySelector('[data-hit]').dataset.hit !== id", arg=liked
    )
    assert liked not in window.hits(24)


@pytest.mark.slow
def test_why_a_hit_matched_is_drawn_on_its_picture(window: Window) -> None:
    page = window.page
    window.open("/?q=red+umbrella")
    window.hits(24)
    page.locator("#results .card-open").first.click()
    picture = page.locator("#details-picture")
    sync_api.expect(picture).to_have_attribute("src", re.compile("^/v1/items/"))
    why = page.get_by_role("button", name="Why this?")
    why.click()
    heat = page.locator("#details-heat")
    sync_api.expect(heat).to_have_attribute("src", re.compile("^blob:"))
    page.wait_for_function("() => document.querySelector('#details-heat').naturalWidth > 0")
    assert heat.bounding_box() == picture.bounding_box()
    sync_api.expect(page.locator("#why-note")).to_contain_text("warmer")
    sync_api.expect(page.locator("#why-shared")).to_contain_text("red")
    why.click()
    sync_api.expect(heat).to_be_hidden()
    assert page.locator("#why-shared li").count() == 0


def test_html_in_a_title_is_text(window: Window, drawn: Drawn) -> None:
    window.open()
    window.page.set_input_files("#upload", drawn.hostile_picture)
    card = window.first_becomes(HOSTILE_ID)
    sync_api.expect(card).to_contain_text(HOSTILE_TITLE)
    assert card.locator("b, img[src=x]").count() == 0

    card.get_by_text(HOSTILE_TITLE).click()
    details = window.page.locator("#details")
    sync_api.expect(details).to_be_visible()
    sync_api.expect(details).to_contain_text(HOSTILE_TITLE)
    sync_api.expect(details).to_contain_text(HOSTILE_ID)
    window.page.wait_for_function("() => document.querySelector('#details img').naturalWidth > 0")
    assert details.locator("b, img[src=x]").count() == 0
    assert window.page.title() != "run"


@pytest.mark.slow
def test_a_broken_image_is_explained(window: Window, drawn: Drawn, tmp_path: Path) -> None:
    whole = drawn.picture("mug-0001").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    window.open()
    window.page.set_input_files("#upload", tmp_path / "cut.jpg")
    sync_api.expect(window.page.locator("#status")).to_contain_text("cut short")
    assert window.page.locator("#results [data-hit]").count() == 0
    # Chromium itself notes each answer that is not a success.
    (complaint,) = window.complaints
    window.complaints.clear()
    assert "422" in complaint


@pytest.fixture(scope="module")
def tagged(fake_cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server over pictures alone, which have tags."""
    folder = tmp_path_factory.mktemp("tagged")
    (folder / "pictures").mkdir()
    for number, colour in enumerate([(255, 0, 0), (200, 0, 0), (0, 255, 0), (0, 0, 255)]):
        Image.new("RGB", (64, 64), colour).save(folder / "pictures" / f"{number}.png")
    (folder / "hues.yaml").write_text(
        "name: hues\nversion: 1\ngroups:\n"
        '  - {name: type, templates: ["{}"], labels: [red, green]}\n'
        '  - {name: shade, templates: ["{}"], labels: [red, blue]}\n'
    )
    index = folder / "index"
    done = fake_cli(
        "index", "build", folder / "pictures", "--index", index, "--tags", folder / "hues.yaml"
    )
    assert done.returncode == 0, done.stderr
    running = serve(fake_cli, index, folder / "stderr")
    yield running
    running.process.terminate()
    running.process.communicate(timeout=PATIENCE)


@pytest.mark.slow
def test_tags_narrow_a_search(browser: sync_api.Browser, tagged: Server) -> None:
    window = Window(browser, tagged)
    page = window.page
    window.open()
    browse = page.locator("#home-facets")
    sync_api.expect(browse.get_by_role("group")).to_have_count(2)
    browse.get_by_role("group", name="Type").get_by_role("link", name="red").click()
    assert set(window.hits(2)) == {"0.png", "1.png"}
    assert urlsplit(page.url).query == "tag=tag_type%3Ared"
    facets = page.locator("#facets")
    chosen = facets.get_by_role("group", name="Type").get_by_role("button", name="red")
    sync_api.expect(chosen).to_have_attribute("aria-pressed", "true")
    assert "2" in chosen.inner_text()
    address = page.url.removeprefix(tagged.url)
    chosen.click()
    sync_api.expect(browse).to_be_visible()
    page.go_back()
    window.hits(2)

    window.open(address)  # a link to a narrowed search is one
    window.hits(2)
    page.locator("#results .card-open").first.click()
    details = page.locator("#details")
    sync_api.expect(details.get_by_role("button", name="red")).to_have_count(2)
    details.get_by_role("button", name="red").last.click()
    sync_api.expect(details).to_be_hidden()
    shade = facets.get_by_role("group", name="Shade").get_by_role("button", name="red")
    sync_api.expect(shade).to_have_attribute("aria-pressed", "true")
    page.close()
    assert window.complaints == []
