"""Merging: one segment of all, of any kind, without losing an unfinished build."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from embeddings import FakeEncoder
from indexer.build import merge
from indexer.index import Index
from indexer.retrieval import NeighbourOptions
from indexer.storage import IndexKind, Layout, QueryKind, read_manifest
from tests.indexer.build.catalogs import build, edit, generation, no_encoder, write_many

# The kinds of queries that an approximate index is tuned for.
MEASURED = {QueryKind.IMAGE, QueryKind.TEXT}


@pytest.fixture(scope="module")
def large_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of 1,500 images, enough to train approximate kinds; read-only."""
    folder = tmp_path_factory.mktemp("large")
    build(write_many(folder / "many", 1500), folder / "index")
    return folder / "index"


@pytest.fixture
def large(large_index: Path, tmp_path: Path) -> Path:
    """A copy of the large index."""
    return shutil.copytree(large_index, tmp_path / "large")


def test_merge_makes_one_segment_of_all(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    edit(many, "p7,7.bmp,7\n", "p7,7.bmp,7000\n")
    edit(many, "p8,8.bmp,8\n", "")
    build(many, index)
    before = Index.open(index)
    report = merge(index, no_encoder)
    assert (report.generation, report.merged, report.products) == (3, 2, 29)
    after = Index.open(index)
    (segment,) = after.segments
    assert (segment.record.deleted, segment.record.products) == ("", 29)
    for query in np.eye(3, dtype=np.float32):
        expected = [(hit.id, hit.fields) for hit in before.search(query, 29)]
        got = [(hit.id, hit.fields) for hit in after.search(query, 29)]
        assert sorted(got, key=str) == sorted(expected, key=str)
    assert merge(index, no_encoder).merged == 0
    assert generation(index) == 3
    # An update of a merged index still knows what is there.
    assert not build(many, index).published
    assert not Layout(index).staging.exists()


def test_merge_can_change_the_kind(large: Path) -> None:
    index = large
    for kind in (IndexKind.HNSW, IndexKind.IVFPQ, IndexKind.FLAT):
        options = NeighbourOptions(kind=kind, min_recall=0.5)
        report = merge(index, lambda _: FakeEncoder(), options)
        assert report.kind is kind
        record = Index.open(index).manifest.segments[0].neighbours
        assert record.kind is kind
        assert set(record.recall) == (set() if kind is IndexKind.FLAT else MEASURED)
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
    merge(index, lambda _: FakeEncoder(), NeighbourOptions(kind=IndexKind.FLAT))
    assert Layout(index).ledger.exists()
    shutil.rmtree(Layout(index).staging)


def test_a_kind_that_misses_the_wanted_recall_is_not_published(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    # No approximate index can reach a recall over 1.
    report = build(many, index, neighbours=NeighbourOptions(kind=IndexKind.IVFPQ, min_recall=1.1))
    assert report.published
    (segment,) = read_manifest(Layout(index), 1).segments
    assert segment.neighbours.kind is IndexKind.FLAT
