"""Large catalogs of the benchmarks: every product once, variants that differ."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from scripts.benchmarks.large_catalogs import unchanged_rebuild, write_variants
from tests.support.image_catalogs import drawn, jpeg


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with the shared catalog's form: six products in two files."""
    rows = [
        {"id": product.id, "image": jpeg(product.image), "title": product.title, "year": 2020}
        for product in drawn(6)
    ]
    for number in range(2):
        part = pa.Table.from_pylist(rows[number::2])
        pq.write_table(part, tmp_path / f"fashion-train-000{number}.parquet")
    return tmp_path


def test_products_come_before_their_variants(data: Path, tmp_path: Path) -> None:
    write_variants(data, tmp_path / "variants", 14)
    rows = pq.read_table(tmp_path / "variants").to_pylist()
    own = rows[:6]
    assert len({row["id"] for row in rows}) == len({row["image"] for row in rows}) == 14
    assert {row["id"] for row in own} == {product.id for product in drawn(6)}
    assert [row["id"] for row in rows[6:]] == [
        *(f"{row['id']}-1" for row in own),
        *(f"{row['id']}-2" for row in own[:2]),
    ]
    for row, variant in zip(own, rows[6:12], strict=True):
        sizes = [Image.open(io.BytesIO(each["image"])).size for each in (row, variant)]
        assert sizes[0] == sizes[1]
        assert variant["title"] == f"{row['title']} variant 1"


def test_more_products_than_variants_are_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="19 products"):
        write_variants(data, tmp_path / "variants", 19)
    assert not (tmp_path / "variants").exists()


def test_without_the_catalogs_nothing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="--data"):
        list(unchanged_rebuild(tmp_path / "none", tmp_path / "cache", 1))
