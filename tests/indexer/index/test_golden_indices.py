"""Indices of every format that was ever published still open."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from indexer.index import Index, verify
from indexer.retrieval import parse_filter
from indexer.storage import Layout
from indexer.tagging import read_fitted
from indexer.tagging.taxonomy import read_taxonomy

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
