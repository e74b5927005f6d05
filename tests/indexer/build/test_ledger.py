"""The build ledger: old versions and damage."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from indexer.build.ledger import Ledger
from indexer.catalog import CatalogRow
from indexer.storage import Layout
from tests.indexer.build.catalogs import build


def test_the_ledger_of_a_version_without_colours_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as old:
        old.executescript(
            "CREATE TABLE about(kind TEXT NOT NULL);"
            "CREATE TABLE embedded("
            " sha256 BLOB PRIMARY KEY, vector BLOB NOT NULL, thumbnail BLOB NOT NULL);"
            "INSERT INTO about VALUES ('kind');"
        )
        old.execute("INSERT INTO embedded VALUES (?, ?, ?)", (b"a", b"\0\x3c", b""))
    old.close()
    for _ in range(2):
        ledger = Ledger(path, "kind")
        product = ledger.add_product(CatalogRow(1, "p", ()))
        ledger.add_image(product, b"a", "a.png")
        (staged,) = next(ledger.products()).images
        assert staged.embedded is not None
        assert staged.embedded.vector.tolist() == [1.0]
        assert staged.embedded.colours is None
        ledger.close()


def test_a_damaged_ledger_starts_over(colours: Path, tmp_path: Path) -> None:
    ledger = Layout(tmp_path / "index").ledger
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    assert build(colours, tmp_path / "index").products == 5
