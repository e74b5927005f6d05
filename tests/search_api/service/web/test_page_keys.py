"""In a real browser: the page of a service with keys, and the API reference without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.browser import IMAGE_LOADED, Window, sync_api
from tests.support.processes import HOSTILE_ID, PATIENCE, Cli, Server, serve

SHOP = "shop-0123456789abcdef"
ALL = {"red", "green", "blue", "yellow", "dark-red", HOSTILE_ID}


@pytest.fixture(scope="module")
def guarded(coloured: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("guarded") / "stderr"
    cli = Cli(fake=True, environment={"LOOKALIKE_API_KEYS": f"shop:{SHOP}"})
    running = serve(cli, coloured / "index", log)
    yield running
    running.process.terminate()
    running.process.communicate(timeout=PATIENCE)


@pytest.fixture
def window(browser: sync_api.Browser, guarded: Server) -> Iterator[Window]:
    """A page that can reach the service alone; at the end it must have asked no other host."""
    window = Window(browser, guarded)
    here = urlsplit(guarded.url).netloc
    window.page.route(lambda url: urlsplit(url).netloc != here, lambda route: route.abort())
    yield window
    window.page.context.clear_cookies()
    window.page.close()
    assert window.hosts == {here}


def test_the_page_asks_for_a_key_once(window: Window) -> None:
    page = window.page
    window.open("/?q=red")
    dialog = page.locator("#key")
    sync_api.expect(dialog).to_be_visible()
    sync_api.expect(page.locator("#key-refused")).to_be_hidden()
    page.fill("#key-input", "wrong-0123456789abcdef")
    page.press("#key-input", "Enter")
    sync_api.expect(page.locator("#key-refused")).to_be_visible()
    page.fill("#key-input", SHOP)
    page.click("#key button[value=use]")
    assert set(window.hits(6)) == ALL
    # Pictures load too, though they can't send a header; a reload needs no second key.
    page.wait_for_function(IMAGE_LOADED)
    page.reload()
    assert set(window.hits(6)) == ALL
    page.wait_for_function(IMAGE_LOADED)
    sync_api.expect(dialog).to_be_hidden()
    assert SHOP not in page.content()
    assert SHOP not in page.url
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["sameSite"], cookie["expires"]) == (
        "lookalike_key",
        "Strict",
        -1,
    )


@pytest.mark.slow
def test_without_a_key_the_page_says_so(window: Window) -> None:
    window.open("/?q=red")
    window.page.click("#key button[value='']")
    sync_api.expect(window.page.locator("#status")).to_contain_text("API key")
    assert window.page.context.cookies() == []


@pytest.mark.slow
def test_the_reference_shows_every_field_with_its_example(window: Window) -> None:
    """Swagger UI loads from this service alone, under the page's policy, without complaints."""
    page = window.page
    window.open("/docs")
    search = page.locator("#operations-default-search_v1_search_post")
    sync_api.expect(search).to_be_visible()
    operations = page.locator(".opblock")
    described = page.evaluate("fetch('/openapi.json').then((answer) => answer.json())")
    assert operations.count() == sum(len(methods) for methods in described["paths"].values())
    models = page.locator(".models")
    sync_api.expect(models).to_be_visible()
    for name, schema in described["components"]["schemas"].items():
        shown = models.locator(f"#model-{name}, [id='model-{name}'], article:has-text('{name}')")
        assert shown.count(), name
        for field in schema.get("properties", {}):
            assert field in models.inner_text(), (name, field)
    assert page.locator(".authorize").first.is_visible()
    assert window.complaints == []
