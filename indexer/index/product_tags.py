"""The tags of a segment's products as columns of labels, from vectors and measured colours."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.catalog import FieldType, arrow_schema
from indexer.colours import ColourArray, ciede2000, classifier, colour_table, unpack
from indexer.index.segments import Segment
from indexer.tagging import GroupScores, Tagger
from indexer.tagging.taxonomy import Group, Taxonomy

__all__ = ["COLOUR_GROUPS", "FIELD_PREFIX", "field_of", "product_vectors", "tag_table"]

FIELD_PREFIX = "tag_"
"""What the names of fields of tags begin with; the group's name follows."""

COLOUR_GROUPS = ("colour", "color")
"""Names of groups whose labels are given by the colours measured in pictures."""

# Probabilities at which a measured colour is not that of skin or other clothes, and at which
# one is given though it covers little.
_LEAST_LIKELY, _LIKELY = 0.03, 0.3
# What covers less of a product is a detail, and no colour to find it by.
_LEAST_SHARE = 0.2
# Measured colours are told apart to 2 steps of their bytes: 0.8 of L*, 2 of a* and b*.
_SHADE_BITS = 1
# How far a colour of a name lies from its centre, in CIEDE2000; by eye, on drawn products.
_REACH = 8.0
# Products tagged at once, so that memory stays bounded.
_ROWS = 16_384


def field_of(group: Group) -> str:
    """The name of the product field that holds the labels of a group."""
    return FIELD_PREFIX + group.name


def tag_table(segment: Segment, tagger: Tagger) -> pa.Table:
    """The tags of a segment's products.

    A label brings its parents along, the most special first, so that whoever filters by
    "footwear" finds boots. A product of which the model is not sure has no labels. Colours are
    those measured in its pictures; a model that was fitted to labelled ones says which of these
    belong to what is sold, and which comes first. What was not measured the model names alone.

    Returns:
        A row for each product of the segment, deleted ones included, and a column for each group.
    """
    schema = _schema(tagger.taxonomy)
    batches = []
    for start in range(0, segment.record.products, _ROWS):
        stop = min(start + _ROWS, segment.record.products)
        columns = [
            _labels(_measured(scored, segment, start, stop, pooled=tagger.learned))
            for scored in tagger.scores(product_vectors(segment, start, stop))
        ]
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


def _schema(taxonomy: Taxonomy) -> pa.Schema:
    return arrow_schema({field_of(group): FieldType.LABELS for group in taxonomy.groups})


def _measured(
    scored: GroupScores, segment: Segment, start: int, stop: int, *, pooled: bool
) -> GroupScores:
    """The scores of a group of colours by what was measured; of another group as they are."""
    if scored.group.name not in COLOUR_GROUPS or segment.colours is None:
        return scored
    owners = segment.image_product
    first, last = np.searchsorted(owners, [start, stop])
    colours, rows = segment.colours[first:last], owners[first:last] - start
    shares = _shares(scored.group, colours, rows)
    likely = _likely(scored, colours, rows) if pooled else shares
    best = likely == likely.max(axis=1, keepdims=True)
    found = shares.any(axis=1, keepdims=True)
    covers = (shares >= _LEAST_SHARE) & (likely >= _LEAST_LIKELY)
    given = np.where(found, covers | (best & (likely >= _LIKELY)), scored.given)
    probabilities = np.where(found, likely, scored.probabilities)
    return GroupScores(scored.group, probabilities, scored.best, given)


def _likely(scored: GroupScores, colours: ColourArray, rows: NDArray[np.int64]) -> FloatArray:
    """`[products, labels]`: how likely a shop calls a product so, by its pictures and the model."""
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
    out[:, labels] = classifier().together(measured, model)[:, names]
    return out


def _shares(group: Group, colours: ColourArray, rows: NDArray[np.int64]) -> FloatArray:
    """`[products, labels]`: what part of a product each colour covers, in all its pictures.

    Args:
        group: The labels.
        colours: `[pictures, 5, 4]` measured colours.
        rows: `[pictures]`, the product of each, ascending from 0.
    """
    _, parts = unpack(colours)
    labels = _label_of_colours(group, colours)
    out = np.zeros((int(rows[-1]) + 1, len(group.labels)), np.float32)
    picture, place = np.nonzero((labels >= 0) & (parts > 0))
    np.add.at(out, (rows[picture], labels[picture, place]), parts[picture, place])
    measured = np.bincount(rows, parts.any(axis=1), len(out))
    return np.asarray(out / np.maximum(measured, 1)[:, np.newaxis], np.float32)


def _label_of_colours(group: Group, colours: ColourArray) -> NDArray[np.int64]:
    """`[pictures, 5]`: the label that each measured colour is called by; -1 for none."""
    table = colour_table()
    label_of = np.array([group.places.get(name.casefold(), -1) for name in table.names], np.int64)
    # Each shade is named once: of a hundred thousand pictures most share theirs.
    shades = (colours[..., :3] >> _SHADE_BITS).astype(np.int64)
    codes = (shades[..., 0] << 16) | (shades[..., 1] << 8) | shades[..., 2]
    unique, inverse = np.unique(codes, return_inverse=True)
    rows = np.zeros((len(unique), 4), np.uint8)
    for channel, shift in enumerate((16, 8, 0)):
        rows[:, channel] = ((unique >> shift) & 255) << _SHADE_BITS
    lab, _ = unpack(rows)
    # As `ColourTable.named`, but by nearness more than by how common a name is: a shopper looks at
    # the colour, and a catalog half of which is white makes no yellow dress white.
    usable = np.flatnonzero(np.isfinite(table.centres[:, 0]))
    apart = ciede2000(lab[:, np.newaxis], table.centres[usable])
    fit = np.log(table.priors[usable]) - (apart / _REACH) ** 2 / 2
    nearest = usable[fit.argmax(axis=1)]
    return np.asarray(label_of[nearest][inverse].reshape(codes.shape), np.int64)


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
