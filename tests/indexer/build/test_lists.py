"""Lists and objects of a catalog as fields: of several values, and with dotted names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.build import merge
from indexer.index import Index
from indexer.retrieval import parse_filter
from tests.indexer.build.catalogs import build, no_encoder

PRODUCTS: list[dict[str, Any]] = [
    {
        "id": "a",
        "image": "red.png",
        "tags": ["red", "gift", "red"],
        "sizes": [38, 39],
        "price": {"amount": 12.5, "currency": "EUR"},
        "parts": [{"of": "cotton", "share": 80}, {"of": "silk", "share": 20}],
    },
    {
        "id": "b",
        "image": "blue.png",
        "tags": ["blue"],
        "sizes": [40.5],
        "price": {"amount": 3, "currency": "USD"},
        "parts": [{"of": "silk", "share": 100}],
    },
    {"id": "c", "image": "green.png", "tags": [], "sizes": None, "price": None, "parts": []},
]
TYPES = {
    "tags": "labels",
    "sizes": "numbers",
    "price.amount": "float",
    "price.currency": "text",
    "parts.of": "labels",
    "parts.share": "numbers",
}


def write_jsonl(folder: Path, products: Sequence[Mapping[str, Any]]) -> Path:
    path = folder / "catalog.jsonl"
    path.write_text("".join(json.dumps(product) + "\n" for product in products), "utf-8")
    return path


def write_parquet(folder: Path, products: Sequence[Mapping[str, Any]]) -> Path:
    path = folder / "catalog.parquet"
    pq.write_table(pa.Table.from_pylist(list(products)), path)
    return path


def found(index: Index, condition: dict[str, Any]) -> list[str]:
    where = parse_filter(condition, index.manifest.columns)
    return [name for name in "abc" if name in index and name in _passing(index, where)]


def _passing(index: Index, where: Any) -> set[str]:
    return {
        segment.product_id(row)
        for segment in index.segments
        for row in segment.products_where(where).nonzero()[0].tolist()
    }


@pytest.mark.case(59)
@pytest.mark.usefixtures("no_confidence")
@pytest.mark.parametrize("write", [write_jsonl, write_parquet])
def test_filters_and_facets_find_what_is_in_lists_and_objects(
    colours: Path, tmp_path: Path, write: Callable[..., Path]
) -> None:
    build(write(colours.parent, PRODUCTS), tmp_path / "index")
    index = Index.open(tmp_path / "index")
    assert index.manifest.fields == TYPES
    assert index.get("a").fields == {
        "tags": ["red", "gift"],
        "sizes": [38, 39],
        "price.amount": 12.5,
        "price.currency": "EUR",
        "parts.of": ["cotton", "silk"],
        "parts.share": [80, 20],
    }
    assert index.get("c").fields == {}
    assert found(index, {"tags": "red"}) == ["a"]
    assert found(index, {"sizes": 38}) == ["a"]
    assert found(index, {"sizes": {"gt": 39}}) == ["b"]
    assert found(index, {"price.amount": {"lt": 5}}) == ["b"]
    assert found(index, {"parts.of": "silk"}) == ["a", "b"]
    assert index.facets(["tags", "sizes"]) == {
        "tags": [("red", 1), ("gift", 1), ("blue", 1)],
        "sizes": [(38, 1), (39, 1), (40.5, 1)],
    }


@pytest.mark.usefixtures("no_confidence")
def test_an_update_and_a_merge_keep_lists(colours: Path, tmp_path: Path) -> None:
    catalog = write_jsonl(colours.parent, PRODUCTS[:2])
    build(catalog, tmp_path / "index")
    write_jsonl(colours.parent, PRODUCTS)
    report = build(catalog, tmp_path / "index")
    assert (report.added, report.changed, report.removed) == (1, 0, 0)
    write_jsonl(colours.parent, [PRODUCTS[2]])
    build(catalog, tmp_path / "index", keep_missing=True)
    merge(tmp_path / "index", no_encoder)
    index = Index.open(tmp_path / "index")
    assert index.manifest.fields == TYPES
    assert found(index, {"tags": "gift"}) == ["a"]
    assert found(index, {"sizes": 40.5}) == ["b"]


@pytest.mark.usefixtures("no_confidence")
def test_a_field_of_texts_becomes_one_of_lists_and_says_so(colours: Path, tmp_path: Path) -> None:
    texts = [{**product, "tags": "red"} for product in PRODUCTS]
    catalog = write_jsonl(colours.parent, texts)
    build(catalog, tmp_path / "index")
    write_jsonl(colours.parent, PRODUCTS)
    report = build(catalog, tmp_path / "index")
    assert Index.open(tmp_path / "index").manifest.fields["tags"] == "labels"
    assert any("'tags' changed its type from text to labels" in note for note in report.notes)
