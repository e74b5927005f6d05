"""In a real browser: the page under a path of a proxy, which the service knows nothing of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.support.browser import IMAGE_LOADED, Window, sync_api
from tests.support.processes import Server
from tests.support.sub_path_proxy import sub_path_proxy


def test_the_page_works_under_a_path(browser: Any, server: Server) -> None:
    with sub_path_proxy(server.url, "/shop/lookalike/") as address:
        home = address.rstrip("/")
        window = Window(browser, replace(server, url=home))
        page = window.page
        window.open("/?q=umbrella")
        found = window.hits(24)
        page.wait_for_function(IMAGE_LOADED)
        page.locator("#results .card-open").first.click()
        picture = page.locator("#details-picture")
        sync_api.expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("each => each.naturalWidth") > 0
        assert page.url.startswith(f"{home}/?q=umbrella&product=")
        page.click("#details-close")
        page.wait_for_url(f"{home}/?q=umbrella")
        assert window.hits(24) == found
        page.click("[data-home]")
        page.wait_for_url(f"{home}/")
        page.locator("footer a").click()
        page.wait_for_url(f"{home}/docs")
        sync_api.expect(page.locator(".opblock").first).to_be_visible()
        tried = page.locator("#operations-default-healthz_healthz_get")
        tried.locator(".opblock-summary-control").click()
        tried.locator("button.execute").click()
        sync_api.expect(tried.locator(".responses-table.live-responses-table")).to_contain_text(
            "ok"
        )
        assert window.hosts == {home.split("/")[2]}
        assert window.complaints == []
        page.close()
