"""Real catalogs, which lie next to the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.catalog import CatalogRow, FieldType, FieldTyper, open_catalog


@pytest.mark.shared
def test_fashion_is_read_whole(shared_data: Path) -> None:
    catalog = open_catalog(shared_data / "fashion-train-0000.parquet")
    typer = FieldTyper(known=catalog.field_types)
    ids = []
    for row in catalog.rows():
        assert isinstance(row, CatalogRow)
        assert row.images[0].read(10**6).startswith(b"\xff\xd8\xff")
        typer.observe(row.fields)
        ids.append(row.id)
    assert (len(ids), len(set(ids)), ids[0]) == (9000, 9000, "15970")
    assert catalog.count == 9000
    assert typer.types() == {
        **dict.fromkeys(
            ["title", "gender", "master_category", "sub_category", "article_type",
             "base_colour", "season"], FieldType.TEXT
        ),
        "year": FieldType.INTEGER,
        "usage": FieldType.TEXT,
    }  # fmt: skip
