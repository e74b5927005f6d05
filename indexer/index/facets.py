"""Facets: how many products of an index have each value of a field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from indexer.catalog import Scalar
from indexer.index.segments import Segment
from indexer.retrieval import Predicate, checkpoint

__all__ = ["FACET_VALUES", "count_values"]

FACET_VALUES = 100
"""Values of a field that a facet lists at most."""


def count_values(
    segments: Sequence[Segment], names: Sequence[str], where: Predicate | None
) -> dict[str, list[tuple[Scalar, int]]]:
    """Count the values of some fields over the products that pass a filter.

    Args:
        segments: All segments of an index.
        names: The fields; each exists. One that is named twice is counted once.
        where: Which products are counted; all by default.

    Returns:
        For each field its `FACET_VALUES` most frequent values with their counts, most frequent
        first. Each label of a product counts; products without a value are not counted.

    Raises:
        SearchCancelledError: Nobody waits for it any more.
    """
    if not names:
        return {}
    import pyarrow.compute as pc  # takes as long to import as numpy

    counts: dict[str, Counter[Scalar]] = {name: Counter() for name in names}
    for segment in segments:
        table = segment.field_table
        passing = segment.products_where(where)
        if not passing.all():
            table = table.filter(pa.array(passing))
        for name, counter in counts.items():
            checkpoint()
            column = table[name].drop_null()
            if pa.types.is_list(column.type):
                column = pc.list_flatten(column)
            for item in pc.value_counts(column).to_pylist():
                counter[item["values"]] += item["counts"]
    return {name: counter.most_common(FACET_VALUES) for name, counter in counts.items()}
