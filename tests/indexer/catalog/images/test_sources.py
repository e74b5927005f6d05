"""Image sources: nothing outside the catalog's folder is ever opened."""

from __future__ import annotations

import json
import os
import pickle
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import SourceError
from indexer.catalog import BadRow, CatalogRow, ImageSource, open_catalog
from indexer.catalog.images import ImageFinder

SENTINEL = b"secret bytes from outside"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder `shop` with images, links and odd files, next to a folder with the sentinel."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(SENTINEL)
    root = tmp_path / "shop"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "a.jpg").write_bytes(b"a")
    (root / "..dots.jpg").write_bytes(b"dots")
    (root / "red: 5.jpg").write_bytes(b"red")
    (root / "deep" / "er" / "b.jpg").write_bytes(b"b")
    (root / "in.jpg").symlink_to("deep/er/b.jpg")
    (root / "alias").symlink_to("deep")
    (root / "out.jpg").symlink_to("../outside/secret.jpg")
    (root / "away").symlink_to(outside)
    (root / "loop.jpg").symlink_to("loop.jpg")
    (root / "gone.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(root / "fifo.jpg")
    return root


def row_of(root: Path, image: object) -> CatalogRow | BadRow:
    path = root / "c.jsonl"
    path.write_text(json.dumps({"id": "1", "image": image}))
    (row,) = open_catalog(path).rows()
    return row


_logs: dict[int, list[str]] = {}  # by thread: servers of other tests open files too


def _log_event(event: str, args: tuple[object, ...]) -> None:
    log = _logs.get(threading.get_ident())
    if event == "open" and log is not None and isinstance(args[0], str | bytes | os.PathLike):
        log.append(os.fsdecode(args[0]))


sys.addaudithook(_log_event)  # every open in Python, by whichever function


@pytest.fixture
def opened(shop: Path) -> Iterator[list[str]]:
    """Every path that a test opens, as it was given."""
    log = _logs[threading.get_ident()] = []
    yield log
    del _logs[threading.get_ident()]


@pytest.mark.parametrize(
    ("image", "location", "content"),
    [
        ("a.jpg", "a.jpg", b"a"),
        (" a.jpg ", "a.jpg", b"a"),
        ("./deep//er/b.jpg", "deep/er/b.jpg", b"b"),
        ("deep/../a.jpg", "a.jpg", b"a"),
        ("in.jpg", "deep/er/b.jpg", b"b"),
        ("alias/er/b.jpg", "deep/er/b.jpg", b"b"),
        ("..dots.jpg", "..dots.jpg", b"dots"),
        ("red: 5.jpg", "red: 5.jpg", b"red"),
    ],
)
def test_paths_below_the_folder_are_read(
    shop: Path, opened: list[str], image: str, location: str, content: bytes
) -> None:
    row = row_of(shop, image)
    assert isinstance(row, CatalogRow)
    (source,) = row.images
    assert (source.location, source.data, source.url) == (location, None, None)
    assert source.read(100) == content
    # One step at a time, each by its bare name in the folder before.
    steps = [path for path in opened if path != str(shop / "c.jsonl")]
    assert steps == [str(shop), *location.split("/")]


@pytest.mark.case(12)
@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("../outside/secret.jpg", "path_outside_catalog"),
        ("deep/../../outside/secret.jpg", "path_outside_catalog"),
        ("..", "path_outside_catalog"),
        ("/etc/passwd", "path_outside_catalog"),
        ("//etc/passwd", "path_outside_catalog"),
        ("C:\\Windows\\win.ini", "path_outside_catalog"),
        ("\\\\server\\share\\x.jpg", "path_outside_catalog"),
        ("out.jpg", "path_outside_catalog"),
        ("away/secret.jpg", "path_outside_catalog"),
        ("alias/../../outside/secret.jpg", "path_outside_catalog"),
        ("fifo.jpg", "not_a_file"),
        ("deep", "not_a_file"),
        (".", "not_a_file"),
        ("loop.jpg", "not_a_file"),
        ("gone.jpg", "image_not_found"),
        ("a.jpg/b.jpg", "image_not_found"),
        ("x" * 300, "bad_path"),
        ("file:///etc/passwd", "path_outside_catalog"),
        ("FILE:a.jpg", "unsupported_scheme"),
        ("data:image/png;base64,AAAA", "unsupported_scheme"),
        ("ftp://h/x.jpg", "unsupported_scheme"),
        ("s3://bucket/x.jpg", "unsupported_scheme"),
        ("http:///x.jpg", "bad_url"),
        ("http:x.jpg", "bad_url"),
        ("http://h:99999/x.jpg", "bad_url"),
        ("https://user:secret@h/x.jpg", "bad_url"),
        (["a.jpg", "../outside/secret.jpg"], "path_outside_catalog"),
    ],
)
def test_other_paths_cost_the_row_and_are_not_opened(
    shop: Path, opened: list[str], image: object, reason: str
) -> None:
    row = row_of(shop, image)
    assert isinstance(row, BadRow)
    assert (row.id, row.reason) == ("1", reason)
    assert row.message.isprintable()
    assert "secret@" not in row.message
    assert set(opened) == {str(shop / "c.jsonl")}


@pytest.mark.case(12)
@pytest.mark.parametrize("image", ["../outside/secret.jpg", "deep/../../x", "/etc/passwd"])
def test_paths_that_leave_the_folder_by_their_text_are_not_looked_up(
    shop: Path, monkeypatch: pytest.MonkeyPatch, image: str
) -> None:
    finder = ImageFinder(shop, max_bytes=100)
    looked_up: list[str] = []
    lstat = os.lstat

    def record(path: str) -> os.stat_result:
        looked_up.append(os.path.normpath(path))
        return lstat(path)

    monkeypatch.setattr(os, "lstat", record)
    with pytest.raises(SourceError) as caught:
        finder.find(image)
    assert caught.value.reason == "path_outside_catalog"
    assert not [
        path
        for path in looked_up
        if path.endswith(("x", "passwd", "secret.jpg")) and not path.startswith(str(shop))
    ]


def test_urls_are_stored_and_not_read(shop: Path) -> None:
    row = row_of(shop, "https://shop.example/a.jpg?size=1")
    assert isinstance(row, CatalogRow)
    (source,) = row.images
    assert source == ImageSource(
        "https://shop.example/a.jpg?size=1", url="https://shop.example/a.jpg?size=1"
    )
    with pytest.raises(ValueError, match="fetched, not read"):
        source.read(100)


@pytest.mark.case(12)
def test_a_folder_replaced_by_a_link_after_the_row_was_read_is_not_followed(shop: Path) -> None:
    row = row_of(shop, "deep/er/b.jpg")
    assert isinstance(row, CatalogRow)
    (shop / "deep").rename(shop / "was")
    (shop / "deep").symlink_to(shop.parent / "outside")
    (shop.parent / "outside" / "er").mkdir()
    (shop.parent / "outside" / "er" / "b.jpg").write_bytes(SENTINEL)
    with pytest.raises(SourceError) as caught:
        row.images[0].read(100)
    assert caught.value.reason == "image_not_found"


def _put_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


@pytest.mark.parametrize(
    ("replace", "reason"),
    [
        (lambda path: path.symlink_to("../outside/secret.jpg"), "not_a_file"),
        (os.mkfifo, "not_a_file"),
        (lambda path: path.mkdir(), "not_a_file"),
        (_put_socket, "not_a_file"),
        (lambda path: path.write_bytes(b"x" * 11), "image_too_large"),
        (lambda _: None, "image_not_found"),
    ],
    ids=["link", "fifo", "folder", "socket", "larger", "gone"],
)
def test_a_file_replaced_after_the_row_was_read_is_refused(
    shop: Path, replace: object, reason: str
) -> None:
    row = row_of(shop, "a.jpg")
    assert isinstance(row, CatalogRow)
    (shop / "a.jpg").unlink()
    assert callable(replace)
    replace(shop / "a.jpg")
    with pytest.raises(SourceError) as caught:
        row.images[0].read(10)
    assert caught.value.reason == reason


def _open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_reading_leaves_no_descriptor_open(shop: Path) -> None:
    row = row_of(shop, ["a.jpg", "deep/er/b.jpg"])
    assert isinstance(row, CatalogRow)
    (shop / "a.jpg").unlink()
    (shop / "a.jpg").mkdir()
    before = _open_descriptors()
    for _ in range(20):
        with pytest.raises(SourceError):
            row.images[0].read(10)
        row.images[1].read(10)
    assert _open_descriptors() == before


def test_the_size_limit_is_exact(shop: Path) -> None:
    (shop / "a.jpg").write_bytes(b"12345")
    source = ImageSource("a.jpg", path=shop / "a.jpg", root=shop)
    assert source.read(5) == b"12345"
    with pytest.raises(SourceError, match="5 bytes or more; up to 4"):
        source.read(4)
    with pytest.raises(SourceError, match="up to 4"):
        ImageSource("", data=b"12345").read(4)


def test_sources_and_their_errors_can_be_pickled(shop: Path) -> None:
    source = ImageSource("gone.jpg", path=shop / "gone", root=shop)
    with pytest.raises(SourceError) as caught:
        pickle.loads(pickle.dumps(source)).read(10)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.reason, again.message) == ("image_not_found", caught.value.message)


@given(st.text(max_size=30))
def test_any_text_is_a_file_below_the_folder_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    root = tmp_path_factory.getbasetemp() / "any"
    root.mkdir(exist_ok=True)
    row = row_of(root, text)
    if isinstance(row, CatalogRow):
        (source,) = row.images
        assert source.url is not None or source.location == "c.jsonl"
    else:
        assert row.message.isprintable()
