"""Image folder catalogs: order, ids, skipped files and bad rows."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from indexer.catalog import BadRow, CatalogOptions, CatalogRow, open_catalog
from indexer.catalog.titles import title_of_file
from indexer.errors import CatalogError


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def read(root: Path) -> list[CatalogRow | BadRow]:
    return list(open_catalog(root).rows())


def test_every_file_is_a_row_in_the_order_of_paths(tmp_path: Path) -> None:
    names = [
        "b.jpg",
        "a/2.png",
        "a/10.PNG",
        "a.jpg",
        "a/b/c d.webp",
        "notes.txt",
        " x.jpg",
        "é.gif",
    ]
    put(tmp_path, *names)
    rows = read(tmp_path)
    assert [row.id for row in rows] == sorted(names)
    assert [row.line for row in rows] == list(range(1, 9))
    for row in rows:
        assert isinstance(row, CatalogRow)
        (source,) = row.images
        assert (source.location, source.read(100)) == (row.id, str(row.id).encode())
    said = {str(row.id): row.fields for row in rows if isinstance(row, CatalogRow) and row.fields}
    assert said == {
        "a/2.png": {"folder": "a"},
        "a/10.PNG": {"folder": "a"},
        "a/b/c d.webp": {"folder": "a/b"},
        "notes.txt": {"title": "notes"},
    }


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("red-floral_dress 02.jpg", "red floral dress 02"),
        ("shop/Women/BlueDenimJacket.jpeg", "Blue Denim Jacket"),
        ("nike.air.max-97.png", "nike air max 97"),
        ("Kleid_für_den_Sommer.webp", "Kleid für den Sommer"),
        ("蓝色裙子.png", "蓝色裙子"),
        ("XJ-9000.jpg", "XJ 9000"),
        ("3f2a9c0b1de4.jpg", None),
        ("550e8400-e29b-41d4-a716-446655440000.jpg", None),
        ("IMG_20260114_093012.jpg", None),
        ("DSC00012.JPG", None),
        ("Screenshot 2026-01-14.png", None),
        ("0042.png", None),
        ("x.png", None),
    ],
)
def test_the_title_is_what_a_file_name_says(path: str, title: str | None) -> None:
    assert title_of_file(path) == title


def test_hidden_files_and_system_files_are_skipped(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", ".b.jpg", ".git/c.jpg", "Thumbs.db", "x/DESKTOP.INI", "x/.DS_Store")
    assert [row.id for row in read(tmp_path)] == ["a.jpg"]
    assert open_catalog(tmp_path).count == 1


@pytest.mark.case(12)
def test_links_pipes_and_sockets(tmp_path: Path) -> None:
    root, outside = tmp_path / "shop", tmp_path / "outside"
    put(outside, "secret.jpg")
    put(root, "a/1.jpg", "b.jpg")
    (root / "again.jpg").symlink_to("b.jpg")
    (root / "away").symlink_to(outside)
    (root / "folder").symlink_to("a")
    (root / "gone.jpg").symlink_to("nowhere")
    (root / "out.jpg").symlink_to(outside / "secret.jpg")
    os.mkfifo(root / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "sock.jpg"))
        found = [
            (row.id, row.reason if isinstance(row, BadRow) else row.images[0].location)
            for row in read(root)
        ]
    assert found == [
        ("a/1.jpg", "a/1.jpg"),
        ("again.jpg", "b.jpg"),
        ("away", "path_outside_catalog"),
        ("b.jpg", "b.jpg"),
        ("gone.jpg", "image_not_found"),
        ("out.jpg", "path_outside_catalog"),
        ("pipe.jpg", "not_a_file"),
        ("sock.jpg", "not_a_file"),
    ]


def test_names_that_can_not_be_ids_are_reported_in_one_line(tmp_path: Path) -> None:
    put(tmp_path, "ok.jpg", "two\nlines.jpg", "/".join(["d" * 200] * 3) + ".jpg")
    (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    found = {row.id: row for row in read(tmp_path)}
    assert isinstance(found.pop("ok.jpg"), CatalogRow)
    assert found.keys() == {"'two\\nlines.jpg'", "caf\\xe9.jpg", "/".join(["d" * 200] * 3) + ".jpg"}
    reasons = {row.reason for row in found.values() if isinstance(row, BadRow)}
    assert reasons == {"bad_id", "bad_name", "id_too_long"}
    for row in found.values():
        assert isinstance(row, BadRow)
        assert row.message.isprintable()
        str(row.id).encode("utf-8")


def test_files_over_the_limit_are_reported(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "longer.jpg")
    rows = list(open_catalog(tmp_path, CatalogOptions(max_image_bytes=5)).rows())
    assert [isinstance(row, BadRow) and row.reason for row in rows] == [False, "image_too_large"]


def test_a_folder_that_can_not_be_listed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.jpg", "shut/b.jpg", "z.jpg")
    plain = os.scandir

    def guarded(path: bytes) -> object:
        if path.endswith(b"shut/"):
            raise PermissionError(13, "Permission denied")
        return plain(path)

    monkeypatch.setattr(os, "scandir", guarded)
    rows = read(tmp_path)
    found = [(row.id, isinstance(row, BadRow) and row.reason) for row in rows]
    assert found == [("a.jpg", False), ("shut/", "unreadable"), ("z.jpg", False)]


def test_deep_folders_need_no_deep_stack(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(200):
        deep = deep / "d"
    put(deep, "a.jpg")
    (row,) = read(tmp_path)
    assert row.id == "d/" * 200 + "a.jpg"


def test_a_link_to_the_folder_itself_may_be_the_catalog(tmp_path: Path) -> None:
    put(tmp_path / "shop", "a.jpg")
    (tmp_path / "link").symlink_to("shop")
    (row,) = read(tmp_path / "link")
    assert isinstance(row, CatalogRow)
    assert row.images[0].read(10) == b"a.jpg"


def test_other_files_are_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    put(tmp_path, "catalog.docx")
    os.mkfifo(tmp_path / "pipe.csv")
    messages = {
        "empty": "no rows",
        "nowhere": "there is no file",
        "catalog.docx": "unknown format",
        "pipe.csv": "neither a file nor a folder",
    }
    for name, message in messages.items():
        with pytest.raises(CatalogError, match=message):
            open_catalog(tmp_path / name)


def test_one_column_can_not_be_both(tmp_path: Path) -> None:
    put(tmp_path, "c.csv")
    with pytest.raises(CatalogError, match="both the id column and the image column"):
        open_catalog(tmp_path / "c.csv", CatalogOptions(id_column="x", image_column="x"))


def test_a_folder_that_disappears_is_a_catalog_error(tmp_path: Path) -> None:
    put(tmp_path / "shop", "a.jpg")
    catalog = open_catalog(tmp_path / "shop")
    (tmp_path / "shop" / "a.jpg").unlink()
    (tmp_path / "shop").rmdir()
    with pytest.raises(CatalogError, match="can't be read any more"):
        list(catalog.rows())
