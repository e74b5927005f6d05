"""Tags of a segment's products as columns of labels, from vectors and measured colours."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.catalog import FieldType, arrow_schema
from indexer.colours import LOOK_SPREAD, ColourArray, classifier, colour_table, unpack
from indexer.index.segments import Segment
from indexer.tagging import GroupScores, Tagger
from indexer.tagging.taxonomy import Group, Taxonomy

__all__ = ["COLOUR_GROUPS", "FIELD_PREFIX", "field_of", "product_vectors", "tag_table"]

FIELD_PREFIX = "tag_"
"""Prefix of the names of fields of tags; the group's name follows."""

COLOUR_GROUPS = ("colour", "color")
"""Names of groups whose labels are given by the colours measured in images."""

# A measured colour of less probability than this is taken for one of skin or other clothes.
_MIN_PROBABILITY = 0.03
# The most probable colour is given from this probability on, even if it covers little.
_CLEAR_PROBABILITY = 0.3
# Share of a product below which a colour is a detail that nobody searches by.
_MIN_SHARE = 0.2
# Bits dropped of each byte of a measured colour: 2 steps are 0.8 of L*, 2 of a* and b*.
_SHADE_BITS = 1
# Products tagged at a time, so that memory stays bounded.
_ROWS = 16_384
# Length below which a mean vector counts as zero.
_MIN_LENGTH = 1e-12


def field_of(group: Group) -> str:
    """Return the name of the product field that holds the labels of a group."""
    return FIELD_PREFIX + group.name


def tag_table(segment: Segment, tagger: Tagger) -> pa.Table:
    """Tag the products of a segment.

    A label comes with its parents, the most specific first, so that a filter by "footwear" finds
    boots. A product of which the model is not sure has no labels. Colours are those measured in the
    product's images. A model that was fitted to labelled images decides which of these belong to
    the product, and their order. Where no colour was measured, the model alone names it.

    Returns:
        A row for each product of the segment, deleted ones included, and a column for each group.
    """
    schema = _schema(tagger.taxonomy)
    batches = []
    for start in range(0, segment.record.products, _ROWS):
        stop = min(start + _ROWS, segment.record.products)
        columns = [
            _labels(_with_measured(scored, segment, start, stop, pooled=tagger.learned))
            for scored in tagger.scores(product_vectors(segment, start, stop))
        ]
        batches.append(pa.RecordBatch.from_arrays(columns, schema=schema))
    return pa.Table.from_batches(batches, schema).combine_chunks()


def product_vectors(segment: Segment, start: int, stop: int) -> FloatArray:
    """Return the means of products' image vectors, of length 1; `[stop - start, dim]`.

    Args:
        segment: The segment of the products.
        start: The first product row.
        stop: One beyond the last product row.
    """
    owners = segment.image_product
    first, last = np.searchsorted(owners, [start, stop])
    vectors = np.asarray(segment.vectors[first:last], np.float32)
    if len(vectors) > stop - start:
        starts = np.searchsorted(owners[first:last], np.arange(start, stop))
        vectors = np.add.reduceat(vectors, starts, axis=0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, _MIN_LENGTH), dtype=np.float32)


def _schema(taxonomy: Taxonomy) -> pa.Schema:
    return arrow_schema({field_of(group): FieldType.LABELS for group in taxonomy.groups})


def _with_measured(
    scored: GroupScores, segment: Segment, start: int, stop: int, *, pooled: bool
) -> GroupScores:
    """Score a group of colours by the measured ones; return other groups unchanged.

    Args:
        scored: The model's scores of the products.
        segment: The segment of the products.
        start: The first product row.
        stop: One beyond the last product row.
        pooled: Whether measured colours and the model's scores are combined.
    """
    if scored.group.name not in COLOUR_GROUPS or segment.colours is None:
        return scored
    owners = segment.image_product
    first, last = np.searchsorted(owners, [start, stop])
    colours, rows = segment.colours[first:last], owners[first:last] - start
    shares = _shares(scored.group, colours, rows)
    measured = _probabilities(scored, colours, rows) if pooled else shares
    best = measured == measured.max(axis=1, keepdims=True)
    found = shares.any(axis=1, keepdims=True)
    covers = (shares >= _MIN_SHARE) & (measured >= _MIN_PROBABILITY)
    given = np.where(found, covers | (best & (measured >= _CLEAR_PROBABILITY)), scored.given)
    probabilities = np.where(found, measured, scored.probabilities)
    return GroupScores(scored.group, probabilities, scored.best, given)


def _probabilities(
    scored: GroupScores, colours: ColourArray, rows: NDArray[np.int64]
) -> FloatArray:
    """Return `[products, labels]`: the probability that a shop gives a product a colour's name.

    Measured colours and the model's scores are combined.

    Args:
        scored: The model's scores.
        colours: `[images, 5, 4]` measured colours.
        rows: `[images]` the product of each, ascending from 0.
    """
    table, group = colour_table(), scored.group
    places = [
        (name, group.places.get(table.names[name].casefold())) for name in range(len(table.names))
    ]
    known = [(name, place) for name, place in places if place is not None]
    names, labels = np.array(known, np.int64).reshape(-1, 2).T
    model = np.zeros((len(scored.probabilities), len(table.names)), np.float32)
    model[:, names] = scored.probabilities[:, labels]
    firsts = np.searchsorted(rows, np.arange(len(model)))
    measured = np.add.reduceat(classifier().probabilities(colours), firsts)
    measured /= np.bincount(rows, minlength=len(model))[:, np.newaxis]
    out = np.zeros_like(scored.probabilities)
    out[:, labels] = classifier().combine(measured, model)[:, names]
    return out


def _shares(group: Group, colours: ColourArray, rows: NDArray[np.int64]) -> FloatArray:
    """Return `[products, labels]`: the share of a product that each colour covers, 0 to 1.

    Args:
        group: The labels.
        colours: `[images, 5, 4]` measured colours.
        rows: `[images]` the product of each, ascending from 0.
    """
    _, parts = unpack(colours)
    labels = _label_of_colours(group, colours)
    out = np.zeros((int(rows[-1]) + 1, len(group.labels)), np.float32)
    image, place = np.nonzero((labels >= 0) & (parts > 0))
    np.add.at(out, (rows[image], labels[image, place]), parts[image, place])
    measured = np.bincount(rows, parts.any(axis=1), len(out))
    return np.asarray(out / np.maximum(measured, 1)[:, np.newaxis], np.float32)


def _label_of_colours(group: Group, colours: ColourArray) -> NDArray[np.int64]:
    """Return `[images, 5]`: the label that names each measured colour; -1 for none."""
    table = colour_table()
    label_of = np.array([group.places.get(name.casefold(), -1) for name in table.names], np.int64)
    # Each shade is named once: a hundred thousand images have few distinct ones.
    shades = (colours[..., :3] >> _SHADE_BITS).astype(np.int64)
    codes = (shades[..., 0] << 16) | (shades[..., 1] << 8) | shades[..., 2]
    unique, inverse = np.unique(codes, return_inverse=True)
    rows = np.zeros((len(unique), 4), np.uint8)
    for channel, shift in enumerate((16, 8, 0)):
        rows[:, channel] = ((unique >> shift) & 255) << _SHADE_BITS
    lab, _ = unpack(rows)
    nearest = table.likeliest_names(lab, LOOK_SPREAD)
    return np.asarray(label_of[nearest][inverse].reshape(codes.shape), np.int64)


def _labels(scored: GroupScores) -> pa.ListArray:
    """Return each row's labels with their parents: the most specific first, then by probability."""
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
    """Return `[labels, labels]`: 1 where the second label is the first one or its ancestor."""
    matrix = np.zeros((len(group.labels),) * 2, np.float32)
    for place in range(len(group.labels)):
        matrix[place, list(group.lineage(place))] = 1
    return matrix
