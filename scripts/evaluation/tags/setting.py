"""The sets of the shared catalogs as examples: vectors and marks of chosen rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder
from indexer.tagging.fitting import Examples
from indexer.tagging.taxonomy import Taxonomy
from scripts.evaluation.tags.truth import SETS, marks_of
from scripts.evaluation.tags.vectors import SetVectors
from scripts.training.data.catalogs import SetRows, read_rows

__all__ = ["Rows", "Setting", "calibration_rows", "figure_rows", "held_rows", "train_rows"]

Rows = Callable[[SetRows], NDArray[np.int64]]


def held_rows(rows: SetRows) -> NDArray[np.int64]:
    """The held-back tenth."""
    return rows.held


def calibration_rows(rows: SetRows) -> NDArray[np.int64]:
    """Half of the held-back tenth: the ids whose SHA-256 is even."""
    return rows.held[~_odd(rows)]


def figure_rows(rows: SetRows) -> NDArray[np.int64]:
    """The other half."""
    return rows.held[_odd(rows)]


def _odd(rows: SetRows) -> NDArray[np.bool_]:
    ids = [rows.columns["id"][row] for row in rows.held]
    return np.array([hashlib.sha256(i.encode()).digest()[-1] % 2 == 1 for i in ids], np.bool_)


def train_rows(limit: int | None) -> Rows:
    """The rest, or so many of each set, drawn."""

    def chosen(rows: SetRows) -> NDArray[np.int64]:
        if limit is None or len(rows.train) <= limit:
            return rows.train
        return np.sort(np.random.default_rng(0).permutation(rows.train)[:limit])

    return chosen


@dataclass(frozen=True)
class Setting:
    """Where things are.

    Attributes:
        data: The folder of the shared catalogs.
        cache: Where vectors and pixels are kept.
        encoder: What is measured.
        taxonomy: Whose labels the catalogs' words are mapped to.
    """

    data: Path
    cache: Path
    encoder: Encoder
    taxonomy: Taxonomy

    def examples(self, rows: Rows, names: Sequence[str] = SETS) -> Examples:
        """Rows of some sets, one set after another; a set that tells nothing of a group is mute."""
        vectors, parts = [], []
        for name in names:
            wanted = rows(read_rows(self.data, name))
            vectors.append(SetVectors(self.encoder, self.data, self.cache, name).of(wanted))
            told = marks_of(self.data, name, self.taxonomy)
            parts.append((len(wanted), {group: marks[wanted] for group, marks in told.items()}))
        truth = {}
        for group in self.taxonomy.groups:
            mute = len(group.labels) + 1
            truth[group.name] = np.concatenate(
                [told.get(group.name, np.zeros((count, mute), np.bool_)) for count, told in parts]
            )
        return Examples(np.concatenate(vectors), truth)
