"""Catalogs and images in object storage, by a real server of S3's protocol (moto)."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import s3fs
from moto.server import ThreadedMotoServer
from PIL import Image

from embeddings import FakeEncoder
from indexer import CatalogError
from indexer.build import BuildOptions, build_index
from indexer.catalog import BadRow, CatalogRow, open_catalog, read_stored, stored_url
from indexer.errors import SourceError
from indexer.index import Index

FEED = "s3://shop-feeds/export/products.csv"


def picture(level: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), (level, 90, 200)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def bucket() -> Iterator[object]:
    """A server on this machine, with a catalog, its pictures, and what lies outside its folder."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()
        client = boto3.client("s3")
        client.create_bucket(Bucket="shop-feeds")
        rows = (
            "id,image,title\n1,pictures/a.png,Mug\n2,s3://shop-feeds/export/pictures/b%20c.png,Cup\n"
            "3,pictures/none.png,Gone\n4,../secret.png,Out\n5,s3://other/x.png,Away\n"
        )
        files = {
            "export/products.csv": rows.encode(),
            "export/more.jsonl": b'{"id": 6, "image": "pictures\\\\a.png"}\n',
            "export/pictures/a.png": picture(10),
            "export/pictures/b%20c.png": picture(200),
            "secret.png": picture(90),
        }
        for key, body in files.items():
            client.put_object(Bucket="shop-feeds", Key=key, Body=body)
        yield client
    server.stop()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("s3://b/a.csv", "s3://b/a.csv"),
        ("s3:/b/a.csv", "s3://b/a.csv"),  # as a path object spells it
        ("gs://b/a", "gs://b/a"),
        ("/s3:/b", None),
        ("s3:b", None),
        ("https://b/a", None),
        ("C:/b", None),
    ],
)
def test_addresses_of_storage(text: str, url: str | None) -> None:
    assert stored_url(text) == url
    if url is not None:
        assert stored_url(Path(url)) == url


def test_a_catalog_and_its_pictures_in_a_bucket(bucket: object, tmp_path: Path) -> None:
    report = build_index(
        Path(FEED), tmp_path / "index", FakeEncoder(), BuildOptions(workers=0, max_bad=1)
    )
    assert report.products == 2
    assert report.reasons == {"path_outside_catalog": 2, "image_not_found": 1}
    index = Index.open(tmp_path / "index")
    assert [image.location for image in index.get("1").images] == ["pictures/a.png"]
    assert index.manifest.catalog == "products.csv"
    rows = [json.loads(line) for line in (tmp_path / "index/quarantine.jsonl").open()]
    assert {row["id"] for row in rows} == {"3", "4", "5"}
    again = build_index(
        Path(FEED), tmp_path / "index", FakeEncoder(), BuildOptions(workers=0, max_bad=1)
    )
    assert not again.published


def test_several_files_by_a_pattern(bucket: object) -> None:
    catalog = open_catalog(Path("s3://shop-feeds/export/*.[cj]s*"))
    rows = list(catalog.rows())
    assert {row.id for row in rows} == {"1", "2", "3", "4", "5", "6"}
    windows = next(row for row in rows if row.id == "6")
    assert isinstance(windows, CatalogRow)
    assert windows.images[0].url == "s3://shop-feeds/export/pictures/a.png"
    outside = next(row for row in rows if row.id == "4")
    assert isinstance(outside, BadRow)
    assert outside.reason == "path_outside_catalog"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://shop-feeds/export/none.csv", "there is no file"),
        ("s3://no-such-bucket/a.csv", "there is no file"),
        ("s3://shop-feeds/export", "is a folder"),
        ("s3://shop-feeds/*.csv", "no file matches"),
    ],
)
def test_what_is_not_there_is_said(bucket: object, url: str, message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        open_catalog(Path(url))


def test_pictures_that_are_too_large_or_gone(bucket: object) -> None:
    url = "s3://shop-feeds/export/pictures/a.png"
    assert read_stored(url, 10_000) == picture(10)
    assert read_stored(url, len(picture(10))) == picture(10)
    with pytest.raises(SourceError, match="more than 10 bytes") as caught:
        read_stored(url, 10)
    assert caught.value.reason == "image_too_large"
    with pytest.raises(SourceError) as caught:
        read_stored(url + ".bak", 10)
    assert caught.value.reason == "image_not_found"


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(CatalogError, match=r"pip install 'lookalike\[s3\]'"):
        open_catalog(Path(FEED))
