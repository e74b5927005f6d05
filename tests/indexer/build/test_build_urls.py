"""Builds of catalogs whose images are at URLs, against a real server that misbehaves."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, BuildReport, build_index
from indexer.errors import TooManyBadRowsError
from indexer.image_loading.fetching import AddressPolicy
from indexer.index import Index


class Shop(ThreadingHTTPServer):
    """Serves `pages`; a path that is not there is a 404."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        self.sent: list[tuple[str, int]] = []
        pages, tags, sent = self.pages, self.tags, self.sent

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = pages.get(self.path)
                tag = tags.get(self.path)
                status = 404 if body is None else 200
                if tag is not None and self.headers.get("If-None-Match") == tag:
                    status, body = 304, None
                sent.append((self.path, status))
                self.send_response(status)
                if tag is not None:
                    self.send_header("ETag", tag)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *args: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


def png(colour: tuple[int, int, int]) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(data, "PNG")
    return data.getvalue()


@pytest.fixture
def shop() -> Iterator[Shop]:
    server = Shop()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def catalog(shop: Shop, tmp_path: Path) -> Path:
    shop.pages.update({"/red": png((255, 0, 0)), "/blue": png((0, 0, 255))})
    path = tmp_path / "catalog.csv"
    path.write_text(f"id,image\nred,{shop.url('/red')}\nblue,{shop.url('/blue')}\n")
    return path


def build(catalog: Path, index: Path) -> BuildReport:
    options = BuildOptions(workers=0, addresses=AddressPolicy.ANY)
    return build_index(catalog, index, FakeEncoder(), options)


def reasons(index: Path) -> dict[str, str]:
    lines = (index / "quarantine.jsonl").read_text().splitlines()
    return {row["id"]: row["reason"] for row in map(json.loads, lines)}


def test_images_are_fetched_once(shop: Shop, catalog: Path, tmp_path: Path) -> None:
    report = build(catalog, tmp_path / "index")
    assert (report.products, report.embedded) == (2, 2)
    index = Index.open(tmp_path / "index")
    np.testing.assert_allclose(index.vector("red"), [1, 0, 0], atol=1e-3)
    assert index.get("red").images[0].location == shop.url("/red")
    again = build(catalog, tmp_path / "index")
    assert (again.published, again.embedded) == (False, 0)


@pytest.mark.case(15)
@pytest.mark.parametrize("body", [None, b"<html>Sorry</html>", png((0, 0, 255))[:-20]])
@pytest.mark.case(15)
def test_an_image_that_fails_keeps_its_vector_and_is_tried_again(
    shop: Shop, catalog: Path, tmp_path: Path, body: bytes | None
) -> None:
    index = tmp_path / "index"
    build(catalog, index)
    if body is None:
        del shop.pages["/blue"]
    else:
        shop.pages["/blue"] = body
    report = build(catalog, index)
    assert (report.products, report.published, report.quarantined) == (2, False, 1)
    assert set(reasons(index)) == {"blue"}
    np.testing.assert_allclose(Index.open(index).vector("blue"), [0, 0, 1], atol=1e-3)
    shop.pages["/blue"] = png((0, 255, 0))
    report = build(catalog, index)
    assert (report.changed, report.embedded, reasons(index)) == (1, 1, {})
    np.testing.assert_allclose(Index.open(index).vector("blue"), [0, 1, 0], atol=1e-3)


@pytest.mark.case(15)
def test_an_image_that_never_was_there_is_left_out(
    shop: Shop, catalog: Path, tmp_path: Path
) -> None:
    del shop.pages["/blue"]
    assert build(catalog, tmp_path / "index").products == 1
    assert reasons(tmp_path / "index") == {"blue": "url_bad_status"}


def test_inner_addresses_are_refused_unless_allowed(catalog: Path, tmp_path: Path) -> None:
    with pytest.raises(TooManyBadRowsError):
        build_index(catalog, tmp_path / "index", FakeEncoder(), BuildOptions(workers=0))
    assert set(reasons(tmp_path / "index").values()) == {"url_not_allowed"}


def test_a_server_that_fails_costs_no_product(shop: Shop, catalog: Path, tmp_path: Path) -> None:
    build(catalog, tmp_path / "index")
    shop.pages.clear()
    with catalog.open("a") as file:
        file.write(f"new,{shop.url('/new')}\n")
    report = build(catalog, tmp_path / "index")
    assert (report.products, report.quarantined) == (2, 3)


def test_only_what_changed_is_sent_again(shop: Shop, catalog: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    shop.tags.update({"/red": '"1"', "/blue": 'W/"1"'})
    build(catalog, index)
    assert [status for _, status in shop.sent] == [200, 200]
    shop.sent.clear()
    again = build(catalog, index)
    assert (again.published, again.reused) == (False, 2)
    assert [status for _, status in shop.sent] == [304, 304]
    shop.sent.clear()
    shop.pages["/red"], shop.tags["/red"] = png((0, 255, 0)), '"2"'
    changed = build(catalog, index)
    assert (changed.embedded, changed.changed) == (1, 1)
    assert sorted(shop.sent) == [("/blue", 304), ("/red", 200)]
    # A new field is stored with the images that are here already.
    text = catalog.read_text().replace("image\n", "image,n\n").replace("/red\n", "/red,6\n")
    catalog.write_text(text.replace("/blue\n", "/blue,5\n"))
    shop.sent.clear()
    assert (build(catalog, index).changed, Index.open(index).get("blue").fields) == (2, {"n": 5})
    assert [status for _, status in shop.sent] == [304, 304]


def test_what_servers_call_images_may_be_deleted_or_damaged(
    shop: Shop, catalog: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    shop.tags.update({"/red": '"1"', "/blue": '"1"'})
    build(catalog, index)
    for content in (None, b"no database" * 500):
        (index / "fetched.sqlite").unlink()
        if content is not None:
            (index / "fetched.sqlite").write_bytes(content)
        shop.sent.clear()
        assert not build(catalog, index).published
        assert [status for _, status in shop.sent] == [200, 200]
    stored = (index / "fetched.sqlite").read_bytes()
    assert b"127.0.0.1" not in stored  # nor what tokens a URL has


def test_an_index_of_another_model_fetches_all(shop: Shop, catalog: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    shop.tags.update({"/red": '"1"', "/blue": '"1"'})
    build(catalog, index)
    shop.sent.clear()
    options = BuildOptions(workers=0, addresses=AddressPolicy.ANY)
    report = build_index(catalog, index, FakeEncoder(fingerprint="another"), options)
    assert report.embedded == 2
    assert [status for _, status in shop.sent] == [200, 200]
