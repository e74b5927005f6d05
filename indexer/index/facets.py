"""Facets: how many products of an index have each value of a field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from indexer.catalog import FieldType, Scalar, title_field
from indexer.index.segments import Segment
from indexer.retrieval import Completion, CompletionKind, checkpoint
from indexer.storage import Mask

__all__ = ["FACET_VALUES", "completions_of", "count_values"]

FACET_VALUES = 100
"""Values of a field that a facet lists at most."""


# Titles of products that can be suggested, and characters of the longest suggestion. They bound the
# memory of suggestions to some 20 MB, whatever the catalog.
_MAX_TITLES = 20_000
_MAX_COMPLETION = 120


def count_values(
    segments: Sequence[Segment], counted: Mapping[str, Sequence[Mask]]
) -> dict[str, list[tuple[Scalar, int]]]:
    """Count the values of some fields over some products.

    Args:
        segments: All segments of an index.
        counted: For each field, which exists, the products that are counted: a mask over the
            product rows of each segment.

    Returns:
        For each field its `FACET_VALUES` most frequent values with their counts, most frequent
        first. Each label of a product counts; products without a value are not counted.

    Raises:
        SearchCancelledError: Nobody waits for it any more.
    """
    if not counted:
        return {}
    import pyarrow.compute as pc  # takes as long to import as numpy

    facets = {}
    for name, masks in counted.items():
        counter: Counter[Scalar] = Counter()
        for segment, mask in zip(segments, masks, strict=True):
            checkpoint()
            column = segment.field_table[name]
            if not mask.all():
                column = column.filter(pa.array(mask))
            column = column.drop_null()
            if pa.types.is_list(column.type):
                column = pc.list_flatten(column)
            for item in pc.value_counts(column).to_pylist():
                counter[item["values"]] += item["counts"]
        facets[name] = counter.most_common(FACET_VALUES)
    return facets


def completions_of(
    segments: Sequence[Segment], types: Mapping[str, FieldType | str]
) -> Iterator[Completion]:
    """Give the frequent values and tags of an index's fields of words, and its titles.

    Args:
        segments: All segments of an index.
        types: The type of each field.
    """
    title = title_field(types)
    names = [
        name
        for name, kind in types.items()
        if kind in (FieldType.TEXT, FieldType.LABELS) and name != title
    ]
    everything = [segment.products_where(None) for segment in segments]
    for name, counts in count_values(segments, dict.fromkeys(names, everything)).items():
        kind = CompletionKind.TAG if types[name] == FieldType.LABELS else CompletionKind.VALUE
        for value, count in counts:
            # What one product alone has is an address or a description, not a property.
            if count > 1 and len(str(value)) <= _MAX_COMPLETION:
                yield Completion(str(value), kind, name, None, count)
    if title is None:
        return
    left = _MAX_TITLES
    for segment in segments:
        rows = np.flatnonzero(segment.products_where(None))[:left].tolist()
        left -= len(rows)
        texts = segment.field_table[title].take(pa.array(rows, pa.int64())).to_pylist()
        for row, text in zip(rows, texts, strict=True):
            if text and len(text) <= _MAX_COMPLETION:
                yield Completion(text, CompletionKind.TITLE, None, segment.product_id(row), 1)
