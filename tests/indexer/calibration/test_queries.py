from __future__ import annotations

from pathlib import Path

import pytest

from indexer.calibration.queries import CatalogSample, named_queries
from indexer.index import Index


def test_the_field_of_kinds_is_found_by_its_name(built: Path) -> None:
    sample = CatalogSample(Index.open(built))
    assert sample.labels == ("product_type",)
    assert sample.kind_field == "product_type"


def test_queries_are_made_of_values_and_titles(built: Path) -> None:
    queries = named_queries(CatalogSample(Index.open(built)))
    made = {(query.text, *query.wanted.items()) for query in queries}
    assert ("green", ("product_type", "green")) in made
    assert ("red thing number0", ("title", "red thing number0")) in made
    weights = {
        name: sum(query.weight for query in queries if name in query.wanted)
        for name in ("title", "product_type")
    }
    assert weights["title"] == pytest.approx(weights["product_type"])
