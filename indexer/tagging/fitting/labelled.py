"""Labelled examples: vectors of images, and the labels that may be true of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.tagging.marks import Marks
from indexer.tagging.taxonomy import Group

__all__ = ["Examples", "GroupExamples"]


@dataclass(frozen=True)
class Examples:
    """Images whose labels are known.

    Attributes:
        vectors: `[n, dim]` unit vectors.
        truth: By group, `[n, labels + 1]`: the labels that may be true of each image; the last
            column stands for "none of them". In an exclusive group, one of the marked labels is
            true, and a parent stands for all its children. In other groups, all marked labels are
            true and the others are not. A row without a mark says nothing.
    """

    vectors: FloatArray
    truth: Mapping[str, Marks]


@dataclass(frozen=True)
class GroupExamples:
    """The examples that say something about one group.

    Attributes:
        vectors: `[n, dim]` unit vectors.
        truth: `[n, labels + 1]` as in `Examples`, each row with a mark.
    """

    vectors: FloatArray
    truth: Marks

    def __len__(self) -> int:
        return len(self.vectors)

    def some(self, rows: NDArray[Any] | slice) -> GroupExamples:
        """Return some of the examples."""
        return GroupExamples(self.vectors[rows], self.truth[rows])

    @classmethod
    def of(cls, examples: Examples, group: Group) -> GroupExamples:
        """Return the examples that say something about a group."""
        truth = examples.truth.get(group.name)
        if truth is None:
            return cls(examples.vectors[:0], np.zeros((0, len(group.labels) + 1), np.bool_))
        return cls(examples.vectors, truth).some(np.flatnonzero(truth.any(axis=1)))
