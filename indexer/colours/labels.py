"""The catalog's colour label of a product, from its measured colours and a vision-language model.

A catalog names the colour of the product: of a shirt on a man in jeans, that of the shirt. Measured
colours are exact, but include the jeans; the model knows what the product is, but its colours are
vague. The two are combined by a logarithmic opinion pool (C. Genest and J. Zidek, "Combining
Probability Distributions: A Critique and an Annotated Bibliography", 1986).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from indexer.colours.dominant import MAX_COLOURS, unpack
from indexer.colours.names import colour_table

__all__ = ["CLASSIFIER_FILE", "ColourClassifier", "classifier", "colour_features"]

CLASSIFIER_FILE = Path(__file__).parent / "data" / "classifier.safetensors"

Floats = NDArray[np.float32]

# Standard deviation of a colour's nearness to an anchor; Euclidean distance in CIELAB.
_ANCHOR_SPREAD = 9.0
# Added to the sum of nearnesses, so that a colour far from all anchors is near to none.
_NEAR_NONE = 1e-3
# Images whose features are computed at once (4 MB).
_ROWS = 1024
# Smallest probability in the pool: no source excludes a name alone.
_MIN_PROBABILITY = 1e-6


@dataclass(frozen=True)
class ColourClassifier:
    """A multinomial logistic regression over `colour_features`, and the weights of the pool.

    Attributes:
        anchors: `[a, 3]` CIELAB colours; features are the nearness to each.
        weights: `[features, names]`, with the names of `colour_table`.
        bias: `[names]`.
        pool: `[2]`, the exponents of the measured colours and of the model.
    """

    anchors: Floats
    weights: Floats
    bias: Floats
    pool: Floats

    def probabilities(self, colours: NDArray[np.uint8]) -> Floats:
        """Compute the probability of each name from measured colours.

        Args:
            colours: `[n, 5, 4]`, as from `MeasuredColours.to_array`.

        Returns:
            `[n, names]`; the names' frequencies for an image that was not measured.
        """
        found = np.empty((len(colours), len(self.bias)), np.float32)
        for start in range(0, len(colours), _ROWS):
            block = colours[start : start + _ROWS]
            features = colour_features(block, self.anchors)
            found[start : start + _ROWS] = _softmax(features @ self.weights + self.bias)
        found[~colours[..., 3].any(axis=1)] = colour_table().priors
        return found

    def combine(self, measured: Floats, model: Floats) -> Floats:
        """Combine the probabilities of the two sources.

        Args:
            measured: `[n, names]`, from `probabilities`.
            model: `[n, names]`, a model's probabilities of the same names. Rows need not sum to 1.

        Returns:
            `[n, names]`; each row sums to 1.
        """
        least = np.float32(_MIN_PROBABILITY)
        logs = self.pool[0] * np.log(measured + least) + self.pool[1] * np.log(model + least)
        return _softmax(logs)


@cache
def classifier() -> ColourClassifier:
    """Load the classifier that ships."""
    arrays = load_file(CLASSIFIER_FILE)
    names = [field.name for field in fields(ColourClassifier)]
    return ColourClassifier(**{name: arrays[name].astype(np.float32) for name in names})


def colour_features(colours: NDArray[np.uint8], anchors: Floats) -> Floats:
    """Compute the features of the classifier.

    Args:
        colours: `[n, 5, 4]` measured colours.
        anchors: `[a, 3]` CIELAB colours.

    Returns:
        `[n, 2 * a + 5]` float32: the share of the product near each anchor, the nearness of its
        largest colour to each anchor, and the shares of its colours.
    """
    lab, shares = unpack(colours)
    squares = ((lab[:, :, np.newaxis] - anchors) ** 2).sum(axis=-1)
    near = np.exp(squares / (-2 * _ANCHOR_SPREAD**2))
    near /= near.sum(axis=-1, keepdims=True) + _NEAR_NONE
    of_all = np.einsum("nca,nc->na", near, shares)
    of_largest = near[:, 0] * (shares[:, :1] > 0)
    assert shares.shape[1] == MAX_COLOURS
    return np.concatenate([of_all, of_largest, shares], axis=1, dtype=np.float32)


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
