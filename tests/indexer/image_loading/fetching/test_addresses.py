"""Addresses: non-public hosts are refused in every spelling before a packet leaves."""

from __future__ import annotations

import ipaddress
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.image_loading.fetching import AddressPolicy, Fetcher, normalize_host
from tests.indexer.image_loading.fetching.site import (
    IMAGE,
    PUBLIC_ADDRESS,
    SMALL,
    Site,
    moved,
    refused,
    resolver,
)
from tests.support.non_public_hosts import NON_PUBLIC_HOSTS


def test_there_are_hundreds_of_spellings() -> None:
    assert len(NON_PUBLIC_HOSTS) > 400


@pytest.mark.parametrize("start", ["http://{}/a.jpg", "https://{}:8443/a.jpg"])
def test_non_public_hosts_are_refused_before_a_packet_leaves(
    network: list[str], start: str
) -> None:
    with Fetcher(SMALL) as fetcher:
        for host in NON_PUBLIC_HOSTS:
            assert refused(fetcher, start.format(host)).reason == "url_not_allowed", host
    assert network == []


def test_odd_spellings_of_addresses_are_refused_under_any_policy(
    fetcher: Fetcher, network: list[str]
) -> None:
    for host in ("0x7f.1", "2130706433", "0177.0.0.1", "127.1", "%31.0.0.1", "[fe80::1%25eth0]"):
        assert refused(fetcher, f"http://{host}/").reason == "url_not_allowed"
    assert network == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "FTP://shop.example/a.jpg",
        "data:image/png;base64,AAAA",
        "gopher://shop.example/",
        "ws://shop.example/",
        "a.jpg",
        "//shop.example/a.jpg",
        "http:/shop.example/a.jpg",
        "http://",
        "",
        "http://shop.example:0/",
        "http://shop.example:65536/",
        "http://shop.example:-1/",
        "http://shop.example:x/",
        "http://shop.example/\r\nHost: x",
        "http://shop.example/\ud800",
        "http://shop.example/" + "x" * 100_000,
        "http://me@shop.example/",
        "http://:secret@shop.example/",
        "http://me:secret@shop.example/",
        "ftp://me:secret@shop.example/",
        "http://me:secret@shop.example:x/",
        "http://me:secret@10.0.0.256/",
        "http://shop.example\\@10.0.0.1/",
    ],
)
def test_other_than_plain_web_addresses_are_refused(network: list[str], url: str) -> None:
    for policy in AddressPolicy:
        with Fetcher(SMALL, policy) as fetcher:
            error = refused(fetcher, url)
        assert error.reason == "url_not_allowed"
        assert "secret" not in error.message
    assert network == []


@given(st.text(max_size=30))
def test_any_text_is_refused_or_a_name_to_resolve(text: str) -> None:
    tls, anywhere = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), AddressPolicy.ANY
    with (
        Fetcher(SMALL, tls=tls, resolve=resolver()) as strict,
        Fetcher(SMALL, anywhere, tls=tls, resolve=resolver()) as fetcher,
    ):
        for url in (text, "http://" + text):
            assert refused(strict, url).reason == "url_not_allowed"
            if fetcher_would_look_up(url):
                error = refused(fetcher, url)
                looked_up = error.reason == "url_unreachable" and "no such host" in error.message
                assert error.reason == "url_not_allowed" or looked_up


def fetcher_would_look_up(url: str) -> bool:
    """Whether the host is no address, which `AddressPolicy.ANY` would dial."""
    host = url.partition("://")[2]
    return not any(character.isdigit() or character in ":[" for character in host)


@pytest.mark.case(35)
def test_inner_names_answer_the_same_whether_they_exist_or_not(network: list[str]) -> None:
    inner = resolver(db=["10.0.0.7"], both=["10.0.0.7", PUBLIC_ADDRESS], none=[])
    with Fetcher(SMALL, resolve=inner) as fetcher:
        answers = {
            (error.reason, error.message.replace(host, "HOST"))
            for host in ("db.example", "gone.example", "both.example", "none.example", "db",
                         "gone", "db.internal", "gone.local")
            for error in [refused(fetcher, f"http://{host}/a.jpg")]
        }  # fmt: skip
    assert len(answers) == 1
    assert next(iter(answers))[0] == "url_not_allowed"


def test_only_listed_hosts_are_fetched_from(site: Site, connected: list[str]) -> None:
    hosts = frozenset({"Shop.example", "bücher.example.", "2606:4700::1"})
    resolve = resolver(**{name: [PUBLIC_ADDRESS] for name in ("shop", "xn--bcher-kva", "a.shop")})
    site.pages["/go"] = moved("http://a.shop.example/a.jpg")
    with Fetcher(allowed_hosts=hosts, resolve=resolve) as fetcher:
        for host in ("SHOP.example", "shop.example.", "shop.example:8080", "bücher.example"):
            assert fetcher.fetch(f"http://{host}/a.jpg") == IMAGE
        for host in ("a.shop.example", "example", "shop.example.evil.example", PUBLIC_ADDRESS):
            assert refused(fetcher, f"http://{host}/a.jpg").reason == "url_not_allowed"
        assert refused(fetcher, "http://shop.example/go").reason == "url_not_allowed"
    for bad in ("", "a b", "shop.example/x", "shop.example:80", "*.example", "127.1"):
        with pytest.raises(ValueError, match="not a valid host"):
            Fetcher(allowed_hosts=frozenset({bad}))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("9.255.255.255", True),
        ("11.0.0.0", True),
        ("100.63.255.255", True),
        ("100.128.0.0", True),
        ("172.15.255.255", True),
        ("172.32.0.0", True),
        ("223.255.255.255", True),
        ("224.0.0.0", False),
        ("2606:4700::1111", True),
        ("2001:4860:4860::8888", True),
        ("2001:1ff:ffff::1", False),
        ("2001:200::1", True),
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b::10.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("fe80::1%eth0", False),
    ],
)
def test_the_policy_knows_the_edges_of_non_public_blocks(address: str, public: bool) -> None:
    parsed = ipaddress.ip_address(address)
    assert AddressPolicy.PUBLIC.allows(parsed) is public
    assert AddressPolicy.ANY.allows(parsed)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**128 - 1))
def test_public_addresses_are_global(four: int, six: int) -> None:
    v4, v6 = ipaddress.IPv4Address(four), ipaddress.IPv6Address(six)
    for address in (v4, v6, ipaddress.IPv6Address(six & (2**125 - 1) | 2**125)):
        if AddressPolicy.PUBLIC.allows(address):
            assert address.is_global
            assert not address.is_multicast
            assert not address.is_reserved
    for carrier in (f"::ffff:{v4}", f"64:ff9b::{v4}"):
        allowed = AddressPolicy.PUBLIC.allows(ipaddress.ip_address(carrier))
        assert allowed is AddressPolicy.PUBLIC.allows(v4)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Shop.Example", "shop.example"),
        ("shop.example.", "shop.example"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("2606:4700::1", "2606:4700::1"),
    ],
)
def test_hosts_are_compared_in_one_form(text: str, host: str) -> None:
    assert normalize_host(text) == host
