"""The model of good images: a memory of their patches, and how far good ones are from it.

PatchCore's idea (Roth et al. 2022): a patch of a good image has a near neighbour among those of
other good ones; a defect has none. The bank is a random part of all patches, since those of one
product repeat. What is usual is measured on good images that the bank does not know, fold by fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from embeddings import BrokenModelError, FloatArray
from indexer.errors import CatalogError
from indexer.retrieval import exact_neighbours
from indexer.storage import replace_file

__all__ = ["LEAST_GOOD", "AnomalyModel", "AnomalyScore", "fit_anomaly", "read_anomaly"]

LEAST_GOOD = 6
"""Good images that a fit needs."""

_FORMAT = "lookalike-anomaly-1"
# Patches that are kept.
_MOST_PATCHES = 12_000
# The score of an image is the mean of so many of its farthest patches: one alone may be noise.
_FARTHEST = 12
_FOLDS = 5
_TABLE = 2
# Standard deviations above what is usual among good images, from which an image is an anomaly.
_ANOMALOUS = 3.0
# The least deviation: good images that are all the same would make anything an anomaly.
_LEAST_DEVIATION = 0.002


@dataclass(frozen=True)
class AnomalyScore:
    """How unlike good images an image is.

    Attributes:
        score: Standard deviations above what is usual among good images.
        anomalous: Whether that is too far.
        distances: `[cells, cells]`, 0 for what good images have; where the image is unlike them.
    """

    score: float
    anomalous: bool
    distances: FloatArray


@dataclass(frozen=True)
class AnomalyModel:
    """What good images of a product look like.

    Attributes:
        patches: `[n, channels]` float16 unit vectors.
        usual: The mean distance of good images that the patches do not come from.
        deviation: Its standard deviation, above 0.
    """

    patches: NDArray[np.float16]
    usual: float
    deviation: float

    def score(self, features: FloatArray) -> AnomalyScore:
        """Score an image by its `patch_features`, `[cells, cells, channels]`.

        Raises:
            BrokenModelError: The model is of other features.
        """
        if features.shape[2] != self.patches.shape[1]:
            raise BrokenModelError(
                f"The model has {self.patches.shape[1]} features of a patch, not "
                f"{features.shape[2]}. Fit it again: lookalike anomaly fit"
            )
        distances = _distances(features, self.patches)
        score = (_farthest(distances) - self.usual) / self.deviation
        return AnomalyScore(round(score, 3), score >= _ANOMALOUS, distances)

    def write(self, path: Path) -> None:
        """Write the model to a file, in one step.

        Raises:
            OSError: It can't be written.
        """
        usual = np.array([self.usual, self.deviation], np.float64)
        content = save({"patches": self.patches, "usual": usual}, {"format": _FORMAT})
        replace_file(path, content)


def fit_anomaly(features: Sequence[FloatArray]) -> AnomalyModel:
    """Fit a model to good images.

    Args:
        features: The `patch_features` of each.

    Raises:
        CatalogError: They are too few.
    """
    if len(features) < LEAST_GOOD:
        raise CatalogError(
            f"{len(features)} good images are too few to tell what is usual; give {LEAST_GOOD} or "
            "more, as different in light and position as good ones are."
        )
    flat = [each.reshape(-1, each.shape[2]) for each in features]
    held_out = []
    for fold in range(_FOLDS):
        others = [each for number, each in enumerate(flat) if number % _FOLDS != fold]
        bank = _bank(others)
        held_out += [_farthest(_distances(each, bank)) for each in features[fold::_FOLDS]]
    deviation = max(float(np.std(held_out, ddof=1)), _LEAST_DEVIATION)
    return AnomalyModel(_bank(flat), float(np.mean(held_out)), deviation)


def read_anomaly(path: Path) -> AnomalyModel:
    """Read a model that `AnomalyModel.write` wrote.

    Raises:
        BrokenModelError: It is missing, damaged, or another file.
    """
    try:
        with safe_open(path, "numpy") as file:
            known = (file.metadata() or {}).get("format") == _FORMAT
            patches, usual = file.get_tensor("patches"), file.get_tensor("usual")
    except (OSError, SafetensorError, KeyError) as error:
        known = False
        reason = f" ({error})" if isinstance(error, OSError) else ""
        raise BrokenModelError(_unusable(path, reason)) from error
    right = known and patches.ndim == _TABLE and len(patches) and usual.shape == (2,)
    if not right or not np.isfinite(usual).all() or usual[1] <= 0:
        raise BrokenModelError(_unusable(path, ""))
    return AnomalyModel(patches.astype(np.float16), float(usual[0]), float(usual[1]))


def _unusable(path: Path, reason: str) -> str:
    return (
        f"{str(path)!r} is missing, damaged or no model of anomalies{reason}. Fit one: lookalike "
        "anomaly fit GOOD_FOLDER --out MODEL"
    )


def _bank(features: Sequence[FloatArray]) -> NDArray[np.float16]:
    patches = np.concatenate(features)
    if len(patches) > _MOST_PATCHES:
        chosen = np.random.default_rng(0).choice(len(patches), _MOST_PATCHES, replace=False)
        patches = patches[np.sort(chosen)]
    return patches.astype(np.float16)


def _distances(features: FloatArray, patches: NDArray[np.float16]) -> FloatArray:
    """Return how far each part of an image is from all good ones: 1 less the cosine."""
    height, width, channels = features.shape
    queries = features.reshape(-1, channels)
    nearest = exact_neighbours(patches, queries, 1)[:, 0]
    cosines = np.einsum("ij,ij->i", queries, patches[nearest].astype(np.float32))
    distances: FloatArray = np.maximum(1 - cosines, 0).reshape(height, width).astype(np.float32)
    return distances


def _farthest(distances: FloatArray) -> float:
    return float(np.sort(distances, axis=None)[-_FARTHEST:].mean())
