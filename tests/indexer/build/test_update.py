"""Builds on top of builds: only what changed is written, and the result is as if built anew."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index, merge
from indexer.catalog import CatalogOptions, FieldType
from indexer.errors import BuildError
from indexer.index import Index, prune, rollback, verify
from indexer.retrieval import parse_filter
from indexer.storage import Layout
from tests.indexer.build.catalogs import build, edit, generation, no_encoder


def test_a_new_price_writes_one_product_and_embeds_nothing(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    (first,) = Index.open(index).manifest.segments
    edit(many, "p7,7.bmp,7\n", "p7,7.bmp,7000\n")
    report = build(many, index)
    assert (report.embedded, report.reused) == (0, 30)
    assert (report.added, report.changed, report.removed) == (0, 1, 0)
    old, new = Index.open(index).manifest.segments
    assert (old.id, old.files) == (first.id, first.files)
    assert (old.deleted, old.deleted_products, old.deleted_images) == ("7", 1, 1)
    assert (new.products, new.images) == (1, 1)
    opened = Index.open(index)
    assert opened.get("p7").fields == {"n": 7000}
    assert (opened.manifest.products, opened.manifest.images) == (30, 30)
    where = parse_filter({"n": 7}, opened.manifest.fields)
    assert opened.search(np.array([1, 0, 0], np.float32), 5, where=where) == []
    assert opened.facets(["n"], parse_filter({"n": {"in": [7, 7000]}}, {"n": "integer"})) == {
        "n": [(7000, 1)]
    }


def test_rows_gone_from_the_catalog_are_deleted_without_a_new_segment(
    many: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    build(many, index)
    edit(many, "p3,3.bmp,3\np4,4.bmp,4\n", "")
    report = build(many, index)
    assert (report.removed, report.changed, report.added) == (2, 0, 0)
    (segment,) = Index.open(index).manifest.segments
    assert segment.deleted == "3-4"
    assert "p3" not in Index.open(index)
    assert rollback(index) == 1
    assert "p3" in Index.open(index)


def test_keep_missing_keeps_what_the_catalog_lacks(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    only = many.parent / "only.csv"
    only.write_text("id,image,n,brand\np1,1.bmp,-1,Acme\nnew,2.bmp,5,Acme\n")
    report = build(only, index, keep_missing=True)
    assert (report.products, report.added, report.changed, report.removed) == (31, 1, 1, 0)
    opened = Index.open(index)
    assert opened.get("p1").fields == {"n": -1, "brand": "Acme"}
    assert opened.get("p9").fields == {"n": 9}
    assert dict(opened.manifest.fields) == {"n": "integer", "brand": "text"}
    brand = parse_filter({"brand": {"exists": False}}, opened.manifest.fields)
    hits = opened.search(np.array([1, 0, 0], np.float32), 100, where=brand)
    assert {hit.id for hit in hits} == {f"p{n}" for n in range(30) if n != 1}
    assert build(only, index).removed == 29


def test_keep_missing_needs_the_same_encoder(colours: Path, tmp_path: Path) -> None:
    build(colours, tmp_path / "index")
    with pytest.raises(BuildError, match="keep-missing"):
        build(colours, tmp_path / "index", FakeEncoder(fingerprint="another"), keep_missing=True)
    assert generation(tmp_path / "index") == 1


def test_a_removed_product_that_returns_is_not_embedded_again(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    text = many.read_text()
    edit(many, "p3,3.bmp,3\n", "")
    build(many, index)
    many.write_text(text)
    report = build(many, index)
    assert (report.embedded, report.added, report.products) == (0, 1, 30)


def test_a_column_of_numbers_that_gets_lists_is_read_anew(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    edit(many, "p5,5.bmp,5\n", "p5,5.bmp,5.50\n")
    build(many, index)
    assert dict(Index.open(index).manifest.fields) == {"n": "float"}
    for n in range(6, 26):
        edit(many, f"p{n},{n}.bmp,{n}\n", f'p{n},{n}.bmp,"[{n}, 99]"\n')
    report = build(many, index)
    assert (report.embedded, report.products) == (0, 30)
    assert any("changed its type from float to numbers" in note for note in report.notes)
    opened = Index.open(index)
    assert dict(opened.manifest.fields) == {"n": "numbers"}
    assert [opened.get(f"p{n}").fields["n"] for n in (5, 6, 28)] == [[5.5], [6, 99], [28]]


def build_as_text(catalog: Path, index: Path) -> None:
    options = CatalogOptions(types={"n": FieldType.TEXT})
    build_index(catalog, index, FakeEncoder(), BuildOptions(catalog=options, workers=0))


def test_a_column_that_is_to_be_text_is_read_anew(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    edit(many, "p5,5.bmp,5\n", "p5,5.bmp,5.50\n")
    build(many, index)
    build_as_text(many, index)
    opened = Index.open(index)
    assert [opened.get(f"p{n}").fields["n"] for n in (5, 28)] == ["5.50", "28"]


def test_dates_that_are_to_be_text_are_read_anew(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    for n in range(30):
        edit(many, f"p{n},{n}.bmp,{n}\n", f"p{n},{n}.bmp,31.12.20{n:02}\n")
    build(many, index)
    assert Index.open(index).get("p7").fields["n"] == "2007-12-31"
    assert dict(Index.open(index).manifest.fields) == {"n": "date"}
    assert not build(many, index).published
    build_as_text(many, index)
    assert Index.open(index).get("p7").fields["n"] == "31.12.2007"


@pytest.mark.case(58)
def test_a_column_whose_values_are_of_another_type_now_keeps_its_own(
    many: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    build(many, index)
    for n in range(2, 30):
        edit(many, f"p{n},{n}.bmp,{n}\n", f"p{n},{n}.bmp,word {n}\n")
    report = build(many, index)
    opened = Index.open(index)
    assert dict(opened.manifest.fields) == {"n": "integer"}
    assert [opened.get(f"p{n}").fields.get("n") for n in (1, 2)] == [1, None]
    assert any("28 of 30 values do not fit" in note for note in report.notes)


@pytest.mark.case(58)
def test_a_few_odd_cells_do_not_change_a_field(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    edit(many, "p5,5.bmp,5\n", "p5,5.bmp,5.0\n")
    edit(many, "p6,6.bmp,6\n", "p6,6.bmp,six\n")
    edit(many, "p7,7.bmp,7\n", "p7,7.bmp,N/A\n")
    report = build(many, index)
    opened = Index.open(index)
    assert dict(opened.manifest.fields) == {"n": "integer"}
    assert [opened.get(f"p{n}").fields.get("n") for n in (5, 6, 7, 8)] == [5, None, None, 8]
    assert any("line 8: 'six'" in note for note in report.notes)
    (line,) = (index / "quarantine.jsonl").read_text().splitlines()
    kept = ("line", "id", "reason", "column", "value")
    assert {key: json.loads(line)[key] for key in kept} == {
        "line": 8,
        "id": "p6",
        "reason": "odd_value",
        "column": "n",
        "value": "six",
    }
    again = build(many, index)
    assert not again.published
    assert again.reasons == {"odd_value": 1}


def test_a_column_read_anew_loses_nothing_that_the_catalog_lacks(
    many: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    build(many, index)
    lines = many.read_text().splitlines()
    lists = [f'p{n},{n}.bmp,"[{n}, 99]"' for n in range(11, 25)]
    many.write_text("\n".join([*lines[:12], *lists]) + "\n")
    report = build(many, index, keep_missing=True)
    assert (report.products, report.added, report.removed, report.embedded) == (30, 0, 0, 0)
    opened = Index.open(index)
    assert [opened.get(f"p{n}").fields["n"] for n in (5, 11, 28)] == [[5], [11, 99], [28]]


def test_whole_numbers_become_floats_without_being_written_anew(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    edit(many, "p5,5.bmp,5\n", "p5,5.bmp,5.5\n")
    assert build(many, index).changed == 1
    opened = Index.open(index)
    assert len(opened.segments) == 2
    assert [opened.get(f"p{n}").fields["n"] for n in (5, 6)] == [5.5, 6.0]
    where = parse_filter({"n": {"gt": 5, "lt": 6.5}}, opened.manifest.fields)
    hits = opened.search(np.array([1, 0, 0], np.float32), 5, where=where)
    assert {hit.id for hit in hits} == {"p5", "p6"}


def test_small_and_sparse_segments_are_absorbed(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    for number in range(4):
        edit(many, f"p{number},{number}.bmp,{number}\n", f"p{number},{number}.bmp,9{number}\n")
        build(many, index)
    big, small = Index.open(index).manifest.segments
    assert (big.deleted, small.products) == ("0-3", 4)
    lines = many.read_text().splitlines()
    many.write_text("\n".join(lines[:12]) + "\n")  # 11 products: less than half of the big one
    build(many, index)
    (only,) = Index.open(index).manifest.segments
    assert (only.products, only.deleted) == (11, "")


def test_a_small_segment_is_absorbed_by_the_next(colours: Path, tmp_path: Path) -> None:
    build(colours, tmp_path / "index")
    edit(colours, "red.png,A red", "red.png,A Red")
    report = build(colours, tmp_path / "index")
    assert (report.changed, report.embedded) == (1, 0)
    (segment,) = Index.open(tmp_path / "index").segments
    assert (segment.record.products, segment.record.deleted) == (5, "")


def test_prune_drops_segments_that_no_generation_names(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    edit(many, "p7,7.bmp,7\n", "p7,7.bmp,7000\n")
    build(many, index)
    merge(index, no_encoder)
    assert prune(index) == [2, 1]
    (segment,) = Index.open(index).manifest.segments
    assert [path.name for path in Layout(index).segments.iterdir()] == [segment.id]
    assert all(report.intact for report in verify(index))
