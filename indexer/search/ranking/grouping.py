"""Groups of hits: products that a shopper takes for one come as one hit, the best of them.

Either products whose pictures are nearly the same, or products with the same value of a field, such
as the article that several sizes belong to.

Groups are stars, as `quality.duplicates` makes them: going down the ranking, a product joins the
first group whose best product it resembles, or begins one. So which products begin groups does not
depend on how far down the ranking one looks, and pages of groups join without gap or repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from indexer.catalog import FieldValue
from indexer.index import Found, Index

__all__ = ["COMPARED", "SAME_COSINE", "group_places"]

SAME_COSINE = 0.99
"""Cosine of two pictures from which they are taken for one. Of the 80 pairs among 9,000 fashion
products that `quality.duplicates` finds to be the same picture by their pixels, 64 are above it,
and 23 pairs that are not; above 0.97 it would be 71, and 67 that are not."""

COMPARED = 2048
"""How many of the first hits are compared by their pictures; those beyond stand alone."""


def group_places(index: Index, found: Sequence[Found], by: bool | str) -> list[list[int]]:
    """Put hits into groups.

    Args:
        index: The generation that found them.
        found: Best first.
        by: True: the pictures that were found are nearly the same. A field's name: the field has
            the same value; products without one stand alone. False: every hit stands alone.

    Returns:
        Places in `found`, each once: the best of a group first, groups by their best.
    """
    if by is False:
        return [[place] for place in range(len(found))]
    if by is True:
        return _by_pictures(index, found)
    return _by_values(_values(index, found, by))


def _by_pictures(index: Index, found: Sequence[Found]) -> list[list[int]]:
    vectors = index.image_vectors(found[:COMPARED])
    alike = np.tril(vectors @ vectors.T >= SAME_COSINE, -1)
    begun = np.ones(len(vectors), bool)
    members: dict[int, list[int]] = {place: [place] for place in range(len(found))}
    for place in np.flatnonzero(alike.any(axis=1)).tolist():
        resembled = np.flatnonzero(alike[place] & begun)
        if len(resembled):
            begun[place] = False
            members[int(resembled[0])] += members.pop(place)
    return list(members.values())


def _by_values(values: Iterable[FieldValue]) -> list[list[int]]:
    groups: list[list[int]] = []
    of_value: dict[FieldValue, list[int]] = {}
    for place, value in enumerate(values):
        if value is not None and value in of_value:
            of_value[value].append(place)
            continue
        groups.append([place])
        if value is not None:
            of_value[value] = groups[-1]
    return groups


def _values(index: Index, found: Sequence[Found], name: str) -> list[FieldValue]:
    """The field's value of each product; None where it has none."""
    values: list[FieldValue] = [None] * len(found)
    for number, segment in enumerate(index.segments):
        places = [place for place, hit in enumerate(found) if hit.segment == number]
        rows = np.array([found[place].row for place in places], np.int64)
        column = segment.field_table[name].take(rows)
        for place, value in zip(places, column.to_pylist(), strict=True):
            # Products of the same labels are one group; those without any are none.
            values[place] = "\0".join(value) or None if isinstance(value, list) else value
    return values
