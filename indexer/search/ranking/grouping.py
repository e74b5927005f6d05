"""Grouping of hits: near-identical products come as one hit, the best of them.

Products are grouped if their images are nearly the same, or if they share the value of a field,
such as the article that several sizes belong to.

Groups are stars, as in `quality.duplicates`: going down the ranking, a product joins the first
group whose best product it resembles, or begins a new one. So the products that begin groups do not
depend on how far down the ranking we look, and pages of groups join without gap or repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from indexer.catalog import Scalar
from indexer.index import Found, Index

__all__ = ["COMPARED", "SAME_COSINE", "group_places"]

SAME_COSINE = 0.99
"""The least cosine of two images that count as the same. Of the 80 pairs among 9,000 fashion
products that `quality.duplicates` finds to be the same image by their pixels, 64 are above it, and
23 pairs that are not. Above 0.97 it would be 71, and 67 that are not."""

COMPARED = 2048
"""How many of the first hits are compared by their images; those after them stand alone."""


def group_places(index: Index, found: Sequence[Found], by: bool | str) -> list[list[int]]:  # noqa: FBT001 (as `Query.group`: a switch or a field's name)
    """Group hits.

    Args:
        index: The generation that found them.
        found: Best first.
        by: True groups hits whose images are nearly the same. A field's name groups hits with the
            same value; products without one stand alone. False leaves every hit alone.

    Returns:
        Places in `found`, each once: the best of a group first, groups in the order of their best.
    """
    if by is False:
        return [[place] for place in range(len(found))]
    if by is True:
        return _by_images(index, found)
    return _by_values(_values(index, found, by))


def _by_images(index: Index, found: Sequence[Found]) -> list[list[int]]:
    vectors = index.image_vectors(found[:COMPARED])
    alike = np.tril(vectors @ vectors.T >= SAME_COSINE, -1)
    begins_group = np.ones(len(vectors), bool)
    members: dict[int, list[int]] = {place: [place] for place in range(len(found))}
    for place in np.flatnonzero(alike.any(axis=1)).tolist():
        similar = np.flatnonzero(alike[place] & begins_group)
        if len(similar):
            begins_group[place] = False
            members[int(similar[0])] += members.pop(place)
    return list(members.values())


def _by_values(values: Iterable[Scalar]) -> list[list[int]]:
    groups: list[list[int]] = []
    group_of: dict[Scalar, list[int]] = {}
    for place, value in enumerate(values):
        if value is not None and value in group_of:
            group_of[value].append(place)
            continue
        groups.append([place])
        if value is not None:
            group_of[value] = groups[-1]
    return groups


def _values(index: Index, found: Sequence[Found], name: str) -> list[Scalar]:
    """Return the field's value of each product; None where it has none."""
    values: list[Scalar] = [None] * len(found)
    for number, segment in enumerate(index.segments):
        places = [place for place, hit in enumerate(found) if hit.segment == number]
        rows = np.array([found[place].row for place in places], np.int64)
        column = segment.field_table[name].take(rows)
        for place, value in zip(places, column.to_pylist(), strict=True):
            # A list is compared as a whole; an empty one is no value.
            listed = isinstance(value, list)
            values[place] = "\0".join(map(str, value)) or None if listed else value
    return values
