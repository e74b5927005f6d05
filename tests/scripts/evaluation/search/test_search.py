"""Parts of `scripts/bench search`, on a catalog small enough to check by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from indexer.index import Index
from scripts.evaluation.search.attributes import attribute_queries
from scripts.evaluation.search.recommend import METHODS, Shoppers
from scripts.evaluation.search.setting import IndexedCatalog

KINDS = [("Shirts", "Navy Blue", "Men", "Casual")] * 24 + [("Shirts", "Red", "Men", "NA")] * 21
KINDS += [("Casual Shoes", "Red", "Women", "Casual")] * 20 + [("Watches", "NA", "Men", "")] * 30
KINDS += [("Ties", "Red", "Men", "Formal")] * 9


@pytest.fixture
def catalog() -> IndexedCatalog:
    names = ("article_type", "base_colour", "gender", "usage")
    columns = {name: np.array([row[at] for row in KINDS], object) for at, name in enumerate(names)}
    vectors = np.random.default_rng(0).normal(size=(len(KINDS), 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = Index.__new__(Index)  # nothing here searches it
    return IndexedCatalog(index, [str(row) for row in range(len(KINDS))], vectors, vectors, columns)


def test_queries_of_frequent_combinations(catalog: IndexedCatalog) -> None:
    found = attribute_queries(catalog)
    assert [query.text for query in found] == [
        "red women's casual shoes",
        "navy blue men's casual shirt",
        "red men's shirt",
    ]
    assert found[1].labels == {
        "article_type": "Shirts", "base_colour": "Navy Blue", "gender": "Men",
    }  # fmt: skip
    assert len(attribute_queries(catalog, limit=2)) == 2


def test_shoppers_like_their_tastes_and_dislike_other_colours(catalog: IndexedCatalog) -> None:
    kinds, colours = catalog.columns["article_type"], catalog.columns["base_colour"]
    rng = np.random.default_rng(0)
    for _ in range(20):
        shopper = Shoppers(catalog).draw(2, 2, rng)
        assert len(shopper.liked) == 6
        for number, taste in enumerate(shopper.tastes):
            own = shopper.liked[3 * number : 3 * number + 3]
            assert len({(kinds[row], colours[row]) for row in [*own, *taste]}) == 1
            assert not set(own) & set(taste)
        wanted = set(np.concatenate(shopper.tastes)) | set(shopper.liked)
        assert not wanted & set(shopper.disliked)
        assert not wanted & set(shopper.refused)
        assert set(shopper.disliked) <= set(shopper.refused)


@pytest.mark.parametrize("name", METHODS)
def test_methods_put_what_is_liked_first(catalog: IndexedCatalog, name: str) -> None:
    liked, disliked = catalog.vectors[:1], catalog.vectors[:0]
    scores = METHODS[name](catalog.vectors, liked, disliked)
    cosines = catalog.vectors @ liked[0]
    assert np.argmax(scores) == 0
    assert (np.argsort(-scores)[:10] == np.argsort(-cosines)[:10]).all()


@pytest.mark.shared
@pytest.mark.slow
def test_the_script(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "scripts.benchmarks", "search", "--part", "attributes"]
    done = subprocess.run(
        [*command, "--json", "--quick", "--cache", tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    first, *others = found["measures"]
    assert first["name"].startswith("attribute query")
    assert first["target"] == 0.6
    assert first["ok"] == (first["value"] >= 0.6)
    # The model knows types and colours, even of the few products of a short run.
    assert {measure["name"] for measure in others} >= {
        "attribute query, held-back tenth, base_colour",
        "attribute query, all products, gender",
    }
    assert all(0.3 <= measure["value"] <= 1 for measure in found["measures"])
    assert found["machine"]["quick"] is True
    assert found["not_measured"] == []
