"""Connections: names, several addresses, certificates and DNS rebinding."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from indexer.image_loading.fetching import AddressPolicy, Fetcher, FetchLimits
from tests.indexer.image_loading.fetching.site import (
    IMAGE,
    PUBLIC_ADDRESS,
    SMALL,
    ManualClock,
    Site,
    refused,
    resolver,
    response,
    running,
)


def test_names_that_do_not_exist_are_unreachable() -> None:
    resolve = resolver(empty=[], odd=["no address"])
    with Fetcher(SMALL, AddressPolicy.ANY, resolve=resolve) as fetcher:
        for host in ("gone.example", "empty.example", "odd.example") * 30:
            assert refused(fetcher, f"http://{host}/").reason == "url_unreachable"


def test_the_second_address_is_tried_when_the_first_is_dead(site: Site) -> None:
    resolve = resolver(shop=["127.0.0.2", "::1", "127.0.0.1"])
    with Fetcher(policy=AddressPolicy.ANY, resolve=resolve) as fetcher:
        assert fetcher.fetch(site.url(host="shop.example")) == IMAGE
        assert f"Host: shop.example:{site.port}" in site.heads[0]


def test_an_address_that_never_answers_leaves_time_for_the_next(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.socket.connect
    timeouts: list[float | None] = []

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        if address[0].startswith("10."):
            timeouts.append(self.gettimeout())
            raise TimeoutError
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    resolve = resolver(shop=["10.0.0.1", "10.0.0.2", "127.0.0.1"], dead=["10.0.0.1", "10.0.0.2"])
    limits, clock = FetchLimits(connect_seconds=9), ManualClock()
    with Fetcher(limits, AddressPolicy.ANY, resolve=resolve, clock=clock) as fetcher:
        assert fetcher.fetch(site.url(host="shop.example")) == IMAGE
        assert timeouts == [3.0, 4.5]
        assert refused(fetcher, site.url(host="dead.example")).reason == "url_timeout"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for shop.example, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    folder = tmp_path_factory.mktemp("tls")
    options = (
        "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout key.pem "
        "-out cert.pem -subj /CN=x -addext subjectAltName=DNS:shop.example"
    )
    command = ["openssl", "req", "-x509", *options.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def test_certificates_are_checked_against_the_urls_name(certificate: tuple[Path, Path]) -> None:
    requested: list[str | None] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    server.sni_callback = lambda _sock, name, _context: requested.append(name)
    trusting = ssl.create_default_context(cafile=certificate[0])
    resolve = resolver(shop=["127.0.0.1"], other=["127.0.0.1"])
    with running({"/a.jpg": response(IMAGE)}, server) as site:
        ours = site.url(host="shop.example", scheme="https")
        dotted = site.url(host="shop.example.", scheme="https")
        others = site.url(host="other.example", scheme="https")
        with Fetcher(policy=AddressPolicy.ANY, tls=trusting, resolve=resolve) as fetcher:
            assert fetcher.fetch(ours) == fetcher.fetch(dotted) == IMAGE
            assert f"Host: shop.example:{site.port}\r\n" in site.heads[0]
            assert refused(fetcher, others).reason == "url_unreachable"
        with Fetcher(policy=AddressPolicy.ANY, resolve=resolve) as fetcher:
            assert refused(fetcher, ours).reason == "url_unreachable"  # no authority signed it
        assert set(requested) == {"shop.example", "other.example"}
        assert len(site.heads) == 2


def test_a_name_that_changes_its_address_is_refused(site: Site, connected: list[str]) -> None:
    site.pages["/a.jpg"] = response(IMAGE, "Connection: close")
    answers = iter([[PUBLIC_ADDRESS], ["127.0.0.1"], ["169.254.169.254"], ["::1"], ["::"]])
    resolved: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        resolved.append((host, port))
        return next(answers)

    with Fetcher(resolve=resolve) as fetcher:
        assert fetcher.fetch("http://shop.example/a.jpg") == IMAGE
        assert resolved == [("shop.example", 80)]  # the checked address is used, not a second one
        for _ in range(4):
            assert refused(fetcher, "http://shop.example/a.jpg").reason == "url_not_allowed"
    assert connected == [PUBLIC_ADDRESS]


def test_a_private_address_among_public_ones_is_refused(connected: list[str]) -> None:
    both = resolver(shop=[PUBLIC_ADDRESS, "10.0.0.1"], turned=["10.0.0.1", PUBLIC_ADDRESS])
    with Fetcher(resolve=both) as fetcher:
        for host in ("shop.example", "turned.example"):
            error = refused(fetcher, f"http://{host}/")
            assert error.reason == "url_not_allowed"
            assert "10.0.0.1" not in error.message
    assert connected == []
