"""Counts of field values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from indexer import QueryError
from indexer.index import Index
from indexer.index.facets import FACET_VALUES, count_values
from indexer.retrieval import parse_filter


def test_facets_count_what_passes_the_filter(
    random_index: Index, stored_vectors: list[tuple[int, np.ndarray]]
) -> None:
    numbers = {owner for owner, _ in stored_vectors}
    odd = sum(n % 2 for n in numbers)
    expected = sorted([(True, odd), (False, len(numbers) - odd)], key=lambda pair: -pair[1])
    assert random_index.facets(["odd"]) == {"odd": expected}
    few = parse_filter({"n": {"in": sorted(numbers)[:3]}}, random_index.manifest.fields)
    assert random_index.facets(["n"], few) == {"n": [(n, 1) for n in sorted(numbers)[:3]]}
    assert len(random_index.facets(["n"])["n"]) == FACET_VALUES
    with pytest.raises(QueryError, match="'prize'"):
        random_index.facets(["prize"])


class _Tagged:
    """A segment of three products with labels."""

    field_table = pa.table({"tag": [["boot", "shoe"], ["shoe"], []]})


def test_each_label_of_a_product_counts() -> None:
    masks = [np.array([True, False, True])] * 2
    counted = count_values([_Tagged(), _Tagged()], {"tag": masks})  # type: ignore[list-item]
    assert counted == {"tag": [("boot", 2), ("shoe", 2)]}
