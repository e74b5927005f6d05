"""The map of an index: what it has learned that features mean, added to the vector of an image."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from embeddings import FloatArray
from indexer.adaptation.ridge import Scaling, standardised
from indexer.errors import DamagedIndexError

__all__ = ["AdaptationMap"]

# Rows that are mapped at once.
_BLOCK = 4096
_LEAST_LENGTH = 1e-6
_FORM = 1


@dataclass(frozen=True)
class AdaptationMap:
    """Adds to the vector of an image what an index has learned that its features mean.

    Attributes:
        scaling: Of the features.
        weights: `[width, dim]`, in units of a vector's length.
    """

    scaling: Scaling
    weights: FloatArray

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return int(self.weights.shape[1])

    @property
    def width(self) -> int:
        """Number of features."""
        return int(self.weights.shape[0])

    def apply(self, vectors: NDArray[np.floating], features: NDArray[np.floating]) -> FloatArray:
        """Return adapted vectors.

        Args:
            vectors: `[n, dim]` unit vectors of images.
            features: `[n, width]` their features.

        Returns:
            `[n, dim]` float32 unit rows. An image whose features are not finite keeps its vector.
        """
        found = vectors.astype(np.float32)
        for start in range(0, len(found), _BLOCK):
            rows = features[start : start + _BLOCK]
            usable = np.isfinite(rows).all(axis=1)
            block = found[start : start + _BLOCK]
            block[usable] += standardised(rows[usable], self.scaling) @ self.weights
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.maximum(lengths, _LEAST_LENGTH), np.float32)

    def to_bytes(self, fingerprint: str) -> bytes:
        """Return the content of its file.

        Args:
            fingerprint: Of the encoder whose features it takes.
        """
        tensors = {
            "mean": self.scaling.mean,
            "deviation": self.scaling.deviation,
            "weights": np.ascontiguousarray(self.weights),
        }
        about = json.dumps({"form": _FORM, "fingerprint": fingerprint})
        content: bytes = save(tensors, {"lookalike": about})
        return content

    @classmethod
    def read(cls, path: Path, fingerprint: str, dim: int) -> AdaptationMap:
        """Read its file, which was compared with its hash before.

        Args:
            path: The file.
            fingerprint: Of the encoder of the index.
            dim: Length of the encoder's vectors.

        Raises:
            DamagedIndexError: The file is not a map, or is one of another encoder.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                about = json.loads((file.metadata() or {})["lookalike"])
                arrays = {name: np.asarray(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
            form, made_for = about["form"], about["fingerprint"]
            weights, mean = arrays["weights"], arrays["mean"]
            deviation = arrays["deviation"]
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise DamagedIndexError(f"{path.name} is not a map that can be read.") from error
        if form != _FORM or made_for != fingerprint:
            raise DamagedIndexError(f"{path.name} is the map of another model or version.")
        width = len(weights)
        shapes = [array.shape for array in (weights, mean, deviation)]
        finite = all(np.isfinite(array).all() for array in arrays.values())
        if shapes != [(width, dim), (width,), (width,)] or not finite or not (deviation > 0).all():
            raise DamagedIndexError(f"{path.name} does not hold a map to {dim} numbers.")
        scaling = Scaling(mean.astype(np.float32), deviation.astype(np.float32))
        return cls(scaling, weights.astype(np.float32))
