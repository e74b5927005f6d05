"""Sets of the shared catalogs as examples: vectors and labels of chosen rows."""

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
from scripts.support.catalog_vectors import CatalogVectors
from scripts.training.data.catalogs import SetRows, read_rows

__all__ = ["Rows", "Setting", "calibration_rows", "figure_rows", "held_rows", "train_rows"]

Rows = Callable[[SetRows], NDArray[np.int64]]


def held_rows(rows: SetRows) -> NDArray[np.int64]:
    """Return the held-back tenth."""
    return rows.held


def calibration_rows(rows: SetRows) -> NDArray[np.int64]:
    """Return half of the held-back tenth: the ids whose SHA-256 is even."""
    return rows.held[~_odd(rows)]


def figure_rows(rows: SetRows) -> NDArray[np.int64]:
    """Return the other half of the held-back tenth."""
    return rows.held[_odd(rows)]


def _odd(rows: SetRows) -> NDArray[np.bool_]:
    ids = [rows.columns["id"][row] for row in rows.held]
    return np.array([hashlib.sha256(i.encode()).digest()[-1] % 2 == 1 for i in ids], np.bool_)


def train_rows(rows: SetRows) -> NDArray[np.int64]:
    """Return what training may see."""
    return rows.train


@dataclass(frozen=True)
class Setting:
    """What tags are fitted and measured on.

    Attributes:
        data: The folder of the shared catalogs.
        cache: Where vectors are kept.
        encoder: The model.
        taxonomy: The labels that the catalogs' words are mapped to.
        limit: Images of each set at most, drawn at random; None for all.
    """

    data: Path
    cache: Path
    encoder: Encoder
    taxonomy: Taxonomy
    limit: int | None = None

    def examples(self, rows: Rows, names: Sequence[str] = SETS) -> Examples:
        """Return rows of some sets as examples; where a set says nothing of a group, no marks."""
        vectors, parts = [], []
        for name in names:
            wanted = self._some(rows(read_rows(self.data, name)))
            vectors.append(CatalogVectors(self.encoder, self.data, self.cache, name).of(wanted))
            known = marks_of(self.data, name, self.taxonomy)
            parts.append((len(wanted), {group: marks[wanted] for group, marks in known.items()}))
        truth = {}
        for group in self.taxonomy.groups:
            columns = len(group.labels) + 1
            truth[group.name] = np.concatenate(
                [
                    known.get(group.name, np.zeros((count, columns), np.bool_))
                    for count, known in parts
                ]
            )
        return Examples(np.concatenate(vectors), truth)

    def _some(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.limit is None or len(rows) <= self.limit:
            return rows
        return np.sort(np.random.default_rng(0).permutation(rows)[: self.limit])
