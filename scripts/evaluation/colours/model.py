"""Colours of products by a model: the colour group of the built-in taxonomy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embeddings import load_encoder
from indexer.colours import colour_table
from indexer.tagging import Tagger
from indexer.tagging.taxonomy import read_taxonomy
from scripts.support.catalog_vectors import CatalogVectors
from scripts.training.data.catalogs import FASHION

__all__ = ["model_probabilities"]


def model_probabilities(
    model: str, data: Path, cache: Path, rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return probabilities `[n, names]` of the table's names, for rows of the fashion catalog."""
    encoder = load_encoder(model)
    tagger = Tagger(encoder, read_taxonomy("retail").only(["colour"]))
    (scores,) = tagger.scores(CatalogVectors(encoder, data, cache, FASHION).of(rows))
    places = scores.group.places
    return scores.probabilities[:, [places[name] for name in colour_table().names]]
