"""The tags of a segment's products as columns of labels, from vectors and measured colours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from embeddings.encoder import FloatArray
from indexer.fields import FieldType, arrow_schema
from indexer.segment import Segment
from indexer.tagging.tagger import GroupScores, Tagger
from indexer.tagging.taxonomy import Group, Taxonomy

__all__ = ["FIELD_PREFIX", "field_of", "product_vectors", "tag_table"]

FIELD_PREFIX = "tag_"
"""What the names of fields of tags begin with; the group's name follows."""

# Products tagged at once, so that memory stays bounded.
_ROWS = 16_384


def field_of(group: Group) -> str:
    """The name of the product field that holds the labels of a group."""
    return FIELD_PREFIX + group.name


def tag_table(segment: Segment, tagger: Tagger) -> pa.Table:
    """The tags of a segment's products.

    A label brings its parents along, the most special first, so that whoever filters by
    "footwear" finds boots. A product of which the model is not sure has no labels.

    Returns:
        A row for each product of the segment, deleted ones included, and a column for each group.
    """
    schema = _schema(tagger.taxonomy)
    batches = []
    for vectors in _batches(segment):
        columns = [_labels(scored) for scored in tagger.scores(vectors)]
        batches.append(pa.RecordBatch.from_arrays(columns, schema=schema))
    return pa.Table.from_batches(batches, schema).combine_chunks()


def product_vectors(segment: Segment, start: int, stop: int) -> FloatArray:
    """The means of products' picture vectors, of length 1; `[stop - start, dim]`.

    Args:
        segment: Where they are.
        start: The first product row.
        stop: One beyond the last.
    """
    owners = segment.image_product
    first, last = np.searchsorted(owners, [start, stop])
    vectors = np.asarray(segment.vectors[first:last], np.float32)
    if len(vectors) > stop - start:
        starts = np.searchsorted(owners[first:last], np.arange(start, stop))
        vectors = np.add.reduceat(vectors, starts, axis=0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


def _batches(segment: Segment) -> Iterator[FloatArray]:
    count = segment.record.products
    for start in range(0, count, _ROWS):
        yield product_vectors(segment, start, min(start + _ROWS, count))


def _schema(taxonomy: Taxonomy) -> pa.Schema:
    return arrow_schema({field_of(group): FieldType.LABELS for group in taxonomy.groups})


def _labels(scored: GroupScores) -> pa.ListArray:
    """Each row's labels with their parents: the most special first, then the most probable."""
    lineage = _lineage(scored.group)
    marked = (scored.given @ lineage).astype(np.bool_)
    rows, places = np.nonzero(marked)
    depth = lineage.sum(axis=1)
    order = np.lexsort((-scored.probabilities[rows, places], -depth[places], rows))
    names = pa.array([label.name for label in scored.group.labels], pa.string())
    offsets = np.concatenate([[0], np.cumsum(np.count_nonzero(marked, axis=1))])
    return pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), names.take(pa.array(places[order]))
    )


def _lineage(group: Group) -> NDArray[np.float32]:
    """`[labels, labels]`: 1 where the second label is the first, or above it."""
    matrix = np.zeros((len(group.labels),) * 2, np.float32)
    for place in range(len(group.labels)):
        matrix[place, list(group.lineage(place))] = 1
    return matrix
