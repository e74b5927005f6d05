"""Builds on top of builds: only what changed is written, and the result is as if built anew."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, BuildReport, build_index, merge
from indexer.errors import BuildError
from indexer.index import Index, prune, rollback, verify
from indexer.retrieval import NeighbourOptions, parse_filter
from indexer.storage import IndexKind, Layout, read_manifest
from indexer.tagging import read_fitted
from indexer.tagging.taxonomy import read_taxonomy


def build(catalog: Path, index: Path, **options: object) -> BuildReport:
    return build_index(catalog, index, FakeEncoder(), BuildOptions(workers=0, **options))


def no_encoder(name: str) -> FakeEncoder:
    raise AssertionError(f"{name} is not needed")


def edit(catalog: Path, old: str, new: str) -> None:
    text = catalog.read_text("utf-8")
    assert old in text
    catalog.write_text(text.replace(old, new), "utf-8")


def generation(index: Path) -> int:
    return Index.open(index).manifest.generation


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A catalog of 1,500 products, so that its segment is not small."""
    folder = tmp_path / "many"
    folder.mkdir()
    lines = ["id,image,n"]
    for number in range(1500):
        colour = (number % 256, number // 256, 90)
        Image.new("RGB", (2, 2), colour).save(folder / f"{number}.bmp")
        lines.append(f"p{number},{number}.bmp,{number}")
    (folder / "catalog.csv").write_text("\n".join(lines) + "\n")
    return folder / "catalog.csv"


def test_a_new_price_writes_one_product_and_embeds_nothing(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    (first,) = Index.open(index).manifest.segments
    edit(many, "p7,7.bmp,7\n", "p7,7.bmp,7000\n")
    report = build(many, index)
    assert (report.embedded, report.reused) == (0, 1500)
    assert (report.added, report.changed, report.removed) == (0, 1, 0)
    old, new = Index.open(index).manifest.segments
    assert (old.id, old.files) == (first.id, first.files)
    assert (old.deleted, old.deleted_products, old.deleted_images) == ("7", 1, 1)
    assert (new.products, new.images) == (1, 1)
    opened = Index.open(index)
    assert opened.get("p7").fields == {"n": 7000}
    assert (opened.manifest.products, opened.manifest.images) == (1500, 1500)
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
    assert (report.products, report.added, report.changed, report.removed) == (1501, 1, 1, 0)
    opened = Index.open(index)
    assert opened.get("p1").fields == {"n": -1, "brand": "Acme"}
    assert opened.get("p9").fields == {"n": 9}
    assert dict(opened.manifest.fields) == {"n": "integer", "brand": "text"}
    brand = parse_filter({"brand": {"exists": False}}, opened.manifest.fields)
    hits = opened.search(np.array([1, 0, 0], np.float32), 2000, where=brand)
    assert len(hits) == 1499
    assert build(only, index).removed == 1499


def test_keep_missing_needs_the_same_encoder(colours: Path, tmp_path: Path) -> None:
    build(colours, tmp_path / "index")
    with pytest.raises(BuildError, match="keep-missing"):
        build_index(
            colours,
            tmp_path / "index",
            FakeEncoder(fingerprint="another"),
            BuildOptions(workers=0, keep_missing=True),
        )
    assert generation(tmp_path / "index") == 1


def test_a_removed_product_that_returns_is_not_embedded_again(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    text = many.read_text()
    edit(many, "p3,3.bmp,3\n", "")
    build(many, index)
    many.write_text(text)
    report = build(many, index)
    assert (report.embedded, report.added, report.products) == (0, 1, 1500)


def test_a_column_of_numbers_that_gets_words_is_read_anew(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    edit(many, "p5,5.bmp,5\n", "p5,5.bmp,5.50\n")
    build(many, index)
    assert dict(Index.open(index).manifest.fields) == {"n": "float"}
    edit(many, "p6,6.bmp,6\n", "p6,6.bmp,six\n")
    report = build(many, index)
    assert (report.embedded, report.products) == (0, 1500)
    opened = Index.open(index)
    assert dict(opened.manifest.fields) == {"n": "text"}
    assert [opened.get(f"p{n}").fields["n"] for n in (5, 6, 7)] == ["5.50", "six", "7"]


def test_a_column_read_anew_loses_nothing_that_the_catalog_lacks(
    many: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    build(many, index)
    lines = many.read_text().splitlines()
    many.write_text("\n".join([*lines[:600], "p599,599.bmp,many"]) + "\n")
    report = build(many, index, keep_missing=True)
    assert (report.products, report.added, report.removed, report.embedded) == (1500, 0, 0, 0)
    opened = Index.open(index)
    assert [opened.get(f"p{n}").fields["n"] for n in (5, 599, 1400)] == ["5", "many", "1400"]


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


def test_small_and_sparse_segments_are_taken_in(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    for number in range(4):
        edit(many, f"p{number},{number}.bmp,{number}\n", f"p{number},{number}.bmp,9{number}\n")
        build(many, index)
    big, small = Index.open(index).manifest.segments
    assert (big.deleted, small.products) == ("0-3", 4)
    lines = many.read_text().splitlines()
    many.write_text("\n".join(lines[:600]) + "\n")  # 599 products: less than half of the big one
    build(many, index)
    (only,) = Index.open(index).manifest.segments
    assert (only.products, only.deleted) == (599, "")


def test_a_larger_update_takes_in_the_segment_before(colours: Path, tmp_path: Path) -> None:
    build(colours, tmp_path / "index")
    edit(colours, "red.png,A red", "red.png,A Red")
    report = build(colours, tmp_path / "index")
    assert (report.changed, report.embedded) == (1, 0)
    assert len(Index.open(tmp_path / "index").segments) == 1


def test_merge_makes_one_segment_of_all(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    edit(many, "p7,7.bmp,7\n", "p7,7.bmp,7000\n")
    edit(many, "p8,8.bmp,8\n", "")
    build(many, index)
    before = Index.open(index)
    report = merge(index, no_encoder)
    assert (report.generation, report.merged, report.products) == (3, 2, 1499)
    after = Index.open(index)
    (segment,) = after.segments
    assert (segment.record.deleted, segment.record.products) == ("", 1499)
    for query in np.eye(3, dtype=np.float32):
        expected = [(hit.id, hit.fields) for hit in before.search(query, 1499)]
        got = [(hit.id, hit.fields) for hit in after.search(query, 1499)]
        assert sorted(got, key=str) == sorted(expected, key=str)
    assert merge(index, no_encoder).merged == 0
    assert generation(index) == 3
    # An update of a merged index still knows what is there.
    assert not build(many, index).published
    assert not Layout(index).staging.exists()


def test_merge_can_change_the_kind(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    for kind in (IndexKind.HNSW, IndexKind.IVFPQ, IndexKind.FLAT):
        options = NeighbourOptions(kind=kind, min_recall=0.5)
        report = merge(index, lambda name: FakeEncoder(), options)
        assert report.kind is kind
        record = Index.open(index).manifest.segments[0].neighbours
        assert record.kind is kind
        assert len(record.recall) == (0 if kind is IndexKind.FLAT else 2)
        assert all(0.5 <= share <= 1 for share in record.recall.values())
        hits = Index.open(index).search(np.array([0, 0, 1], np.float32), 3)
        assert hits[0].id == "p0"


def test_merge_keeps_an_unfinished_build(colours: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(colours, index)
    edit(colours, "A red", "Another red")
    build(colours, index, keep_missing=True)
    Layout(index).staging.mkdir()
    Layout(index).ledger.write_bytes(b"of an unfinished build")
    (Layout(index).staging / "half-a-segment").mkdir()
    merge(index, lambda name: FakeEncoder(), NeighbourOptions(kind=IndexKind.FLAT))
    assert Layout(index).ledger.exists()
    shutil.rmtree(Layout(index).staging)


def test_a_kind_that_misses_the_wanted_recall_is_not_published(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    # Nothing approximate can promise more than everything.
    report = build(many, index, neighbours=NeighbourOptions(kind=IndexKind.IVFPQ, min_recall=1.1))
    assert report.published
    (segment,) = read_manifest(Layout(index), 1).segments
    assert segment.neighbours.kind is IndexKind.FLAT


def test_prune_drops_segments_that_no_generation_names(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    edit(many, "p7,7.bmp,7\n", "p7,7.bmp,7000\n")
    build(many, index)
    merge(index, no_encoder)
    assert prune(index) == [2, 1]
    assert len(list(Layout(index).segments.iterdir())) == 1
    assert all(report.intact for report in verify(index))


class CatalogMachine(RuleBasedStateMachine):
    """An index after any series of updates holds what the catalog says, and nothing else."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.products: dict[str, tuple[int, str]] = {}
        self.built: dict[str, tuple[int, str]] = {}
        self.root = Path(self.folder / f"run-{id(self)}")
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        for shade in range(6):
            Image.new("RGB", (4, 4), (40 * shade, 80, 200)).save(self.root / f"{shade}.png")

    @rule(
        product=st.sampled_from("abcdefgh"),
        shade=st.integers(0, 5),
        price=st.sampled_from(["", "1", "2.5", "x", "007"]),
    )
    def put(self, product: str, shade: int, price: str) -> None:
        self.products[product] = (shade, price)

    @precondition(lambda self: self.products)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        del self.products[data.draw(st.sampled_from(sorted(self.products)))]

    @precondition(lambda self: self.products)
    @rule(keep=st.booleans())
    def build(self, keep: bool) -> None:
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["id", "image", "price"])
        for product, (shade, price) in self.products.items():
            writer.writerow([product, f"{shade}.png", price])
        (self.root / "catalog.csv").write_text(text.getvalue())
        build(self.root / "catalog.csv", self.root / "index", keep_missing=keep)
        self.built = {**(self.built if keep else {}), **self.products}

    @precondition(lambda self: self.built)
    @rule()
    def merge(self) -> None:
        merge(self.root / "index", no_encoder)

    @precondition(lambda self: self.built)
    @rule()
    def prune(self) -> None:
        prune(self.root / "index")

    @invariant()
    def holds_what_the_catalog_says(self) -> None:
        if not self.built:
            return
        index = Index.open(self.root / "index")
        hits = index.search(np.array([0, 0, 1], np.float32), 100)
        assert sorted(hit.id for hit in hits) == sorted(self.built)
        for product, (shade, price) in self.built.items():
            assert [image.location for image in index.get(product).images] == [f"{shade}.png"]
            assert ("price" in index.get(product).fields) == (price != "")


@pytest.fixture
def machine_folder(tmp_path: Path) -> None:
    CatalogMachine.folder = tmp_path


@pytest.mark.usefixtures("machine_folder")
def test_any_series_of_updates() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    limits = settings(
        max_examples=6,
        stateful_step_count=10,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(CatalogMachine, settings=limits)


GOLDEN = Path(__file__).parents[2] / "data" / "indices"


@pytest.mark.parametrize("version", sorted(path.name for path in GOLDEN.iterdir()))
def test_golden_indexes_of_every_format_open(version: str, tmp_path: Path) -> None:
    folder = tmp_path / version
    shutil.copytree(GOLDEN / version, folder)
    index = Index.open(folder)
    assert (index.manifest.products, index.manifest.images) == (4, 5)
    assert json.loads((folder / "manifests/000001.json").read_text())["format"] == int(version[1:])
    red, blue = index.get("red").fields, index.get("blue/1").fields
    if int(version[1:]) >= 4:
        assert (red.pop("tag_hue"), blue.pop("tag_hue")) == (["red"], ["blue"])
        white = [255, 128, 128, 255]
        assert index.segments[0].colours[-1].tolist() == [white, *[[0] * 4] * 4]
        _check_remembered_fit(Layout(folder), index)
    assert red == {"title": "Röd", "price": 1.5, "year": 2011, "new": True}
    assert blue == {"title": "蓝色", "price": 3.5, "year": 2013}
    assert [image.location for image in index.get("both").images] == ["yellow.png", "white.png"]
    hits = index.search(np.array([1, 1, 1], np.float32) / 3**0.5, 2)
    assert (hits[0].id, hits[0].image) == ("both", 1)
    assert hits[0].score == pytest.approx(1, abs=1e-3)
    where = parse_filter({"year": {"gte": 2012}}, index.manifest.fields)
    hits = index.search(np.array([0, 0, 1], np.float32), 9, where=where)
    assert [hit.id for hit in hits] == ["blue/1", "green"]
    assert index.thumbnail("red", 0)[8:12] == b"WEBP"
    assert verify(folder)[0].intact


def _check_remembered_fit(layout: Layout, index: Index) -> None:
    """What tags were made by is found again: products to come are tagged alike."""
    tagging = index.manifest.tagging
    assert tagging is not None
    fitted = read_fitted(layout.tags / tagging.fit.name)
    taxonomy = read_taxonomy(layout.tags / tagging.labels.name)
    assert [group.name for group in taxonomy.groups] == ["hue"]
    assert all(fitted.of(group) is not None for group in taxonomy.groups)
