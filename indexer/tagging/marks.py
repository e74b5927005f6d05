"""Marks: which labels of a group may be true of an image, as boolean rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.tagging.taxonomy import Group

__all__ = ["Marks", "marks_of_values", "right_labels", "spread_to_children"]

Marks = NDArray[np.bool_]

# Values that mean that an image has none of a group's labels.
_NONE_WORDS = frozenset({"none", "-"})


def marks_of_values(group: Group, values: Sequence[object]) -> tuple[Marks, dict[str, int]]:
    """Return the marks of a column's values, and the values that are not a label.

    A value is a label or a synonym, in upper or lower case, or several with | between them. `none`
    stands for none of the labels; an empty value says nothing.

    Args:
        group: The group that the column is about.
        values: `n` values; None for no value.

    Returns:
        `[n, labels + 1]` marks, the last column for none of the labels; and the number of each
        unknown value, most frequent first.
    """
    marks = np.zeros((len(values), len(group.labels) + 1), np.bool_)
    unknown: Counter[str] = Counter()
    for row, value in enumerate(values):
        words = [] if value is None else str(value).split("|")
        for word in (word.strip().casefold() for word in words):
            place = group.places.get(word, -1 if word in _NONE_WORDS else None)
            if place is not None:
                marks[row, place] = True
            elif word:
                unknown[word] += 1
    return marks, dict(unknown.most_common())


def spread_to_children(group: Group, marks: Marks) -> Marks:
    """Mark all labels below a marked parent too; `[n, labels or more]`."""
    spread = marks.copy()
    for place in range(len(group.labels)):
        for above in group.lineage(place)[1:]:
            spread[:, place] |= marks[:, above]
    return spread


def right_labels(group: Group, marks: Marks) -> Marks:
    """Return `[n, labels]`, whether a label is right: it, a label below it or a parent is marked.

    A label below a marked parent counts as right: "footwear" does not exclude sandals.

    Args:
        group: The group.
        marks: `[n, labels]`, or more columns, which are ignored.
    """
    right = spread_to_children(group, marks)[:, : len(group.labels)]
    for place in range(len(group.labels)):
        for above in group.lineage(place)[1:]:
            right[:, above] |= marks[:, place]
    return right
