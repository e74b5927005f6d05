"""Redirects: followed up to a limit, and never past the rules of the first URL."""

from __future__ import annotations

import pytest

from indexer.image_loading.fetching import AddressPolicy, Fetcher, FetchLimits
from tests.indexer.image_loading.fetching.site import (
    IMAGE,
    PUBLIC_ADDRESS,
    ManualClock,
    Site,
    Visit,
    moved,
    refused,
    resolver,
)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_up_to_the_limit(site: Site, fetcher: Fetcher, status: int) -> None:
    site.pages["/3"] = moved("2?x=1", status)
    site.pages["/2?x=1"] = moved(f"//127.0.0.1:{site.port}/d/1", status)
    site.pages["/d/1"] = moved(site.url("/a.jpg"), status)
    site.pages["/4"] = moved("/3", status)
    assert fetcher.fetch(site.url("/3")) == IMAGE
    error = refused(fetcher, site.url("/4?token=secret"))
    assert error.reason == "url_bad_status"


def test_a_redirect_loop_ends_with_an_error(site: Site, fetcher: Fetcher) -> None:
    site.pages["/loop"] = moved("/loop?token=secret")
    site.pages["/loop?token=secret"] = moved("/loop")
    error = refused(fetcher, site.url("/loop"))
    assert error.reason == "url_bad_status"
    assert "more than 3 times" in error.message
    assert len(site.heads) == 4


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/a.jpg",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "gopher://127.0.0.1:6379/_x",
        "http://me:secret@127.0.0.1/a.jpg",
        "//me:secret@127.0.0.1/a.jpg",
        "http://[::1/a.jpg?secret",
        "http://0x7f.1/a.jpg",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:65536/",
    ],
)
def test_redirects_to_other_than_plain_web_addresses_are_refused(
    site: Site, fetcher: Fetcher, target: str
) -> None:
    site.pages["/away"] = moved(target)
    error = refused(fetcher, site.url("/away"))
    assert error.reason == "url_not_allowed"
    assert "secret" not in error.message
    assert len(site.heads) == 1


def test_redirects_do_not_extend_the_deadline(site: Site) -> None:
    clock = ManualClock()

    def later(visit: Visit) -> None:
        clock.advance(25)
        visit.wfile.write(moved("/later"))

    site.pages["/later"] = later
    limits = FetchLimits(total_seconds=60, max_redirects=10)
    with Fetcher(limits, AddressPolicy.ANY, clock=clock) as fetcher:
        assert refused(fetcher, site.url("/later")).reason == "url_timeout"
    assert len(site.heads) == 3


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:10.0.0.1]/",
        "//localhost/",
        "http://private.example/",
        "https://private.example/",
    ],
)
def test_redirects_to_private_hosts_are_refused(
    site: Site, connected: list[str], target: str
) -> None:
    site.pages["/go"] = moved(target)
    resolve = resolver(shop=[PUBLIC_ADDRESS], private=["192.168.0.7"])
    with Fetcher(resolve=resolve) as fetcher:
        assert refused(fetcher, "http://shop.example/go").reason == "url_not_allowed"
    assert connected == [PUBLIC_ADDRESS]


def test_a_name_that_changes_between_hops_is_refused(site: Site, connected: list[str]) -> None:
    site.pages["/go"] = moved("/a.jpg")
    answers = iter([[PUBLIC_ADDRESS], ["127.0.0.1"]])
    with Fetcher(resolve=lambda host, port: next(answers)) as fetcher:
        assert refused(fetcher, "http://shop.example/go").reason == "url_not_allowed"
    assert connected == [PUBLIC_ADDRESS]
