"""Which one word a catalog would use for a product's colour: from what was measured, and a model.

A catalog names the colour of what is sold: of a shirt on a man in jeans, that of the shirt. What
was measured knows the colours exactly, and not what is sold; a model of pictures and words the
other way round. The two are put together as a logarithmic pool (C. Genest and J. Zidek, "Combining
Probability Distributions: A Critique and an Annotated Bibliography", 1986).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from indexer.colours.dominant import MOST_COLOURS, unpack
from indexer.colours.names import colour_table

__all__ = ["CLASSIFIER_FILE", "ColourClassifier", "classifier", "colour_features"]

CLASSIFIER_FILE = Path(__file__).parent / "data" / "classifier.safetensors"

Floats = NDArray[np.float32]

# How near a colour is to an anchor: standard deviation, Euclidean in CIELAB.
_REACH = 9.0
# Keeps a colour far from all anchors from being shared out among the least far.
_NOWHERE = 1e-3
# Pictures whose features are worked out at once: 4 MB.
_ROWS = 1024


@dataclass(frozen=True)
class ColourClassifier:
    """A multinomial logistic regression over `colour_features`, and the weights of the pool.

    Attributes:
        anchors: `[a, 3]` CIELAB colours that features tell the nearness to.
        weights: `[features, names]`, the names being those of `colour_table`.
        bias: `[names]`.
        pool: `[2]`, the exponents of what was measured and of the model.
    """

    anchors: Floats
    weights: Floats
    bias: Floats
    pool: Floats

    def probabilities(self, colours: NDArray[np.uint8]) -> Floats:
        """What products of these measured colours are called.

        Args:
            colours: `[n, 5, 4]`, as `MeasuredColours.to_array` gives them.

        Returns:
            `[n, names]`; of a picture that was not measured, how often each name is used.
        """
        found = np.empty((len(colours), len(self.bias)), np.float32)
        for start in range(0, len(colours), _ROWS):
            part = colours[start : start + _ROWS]
            features = colour_features(part, self.anchors)
            found[start : start + _ROWS] = _softmax(features @ self.weights + self.bias)
        found[~colours[..., 3].any(axis=1)] = colour_table().priors
        return found

    def together(self, measured: Floats, model: Floats) -> Floats:
        """Put both together.

        Args:
            measured: `[n, names]`, from `probabilities`.
            model: `[n, names]`, a model's probabilities of the same names. Rows need not sum to 1.

        Returns:
            `[n, names]`, rows that sum to 1.
        """
        least = np.float32(1e-6)
        logs = self.pool[0] * np.log(measured + least) + self.pool[1] * np.log(model + least)
        return _softmax(logs)


@cache
def classifier() -> ColourClassifier:
    """The one that ships."""
    arrays = load_file(CLASSIFIER_FILE)
    names = [field.name for field in fields(ColourClassifier)]
    return ColourClassifier(**{name: arrays[name].astype(np.float32) for name in names})


def colour_features(colours: NDArray[np.uint8], anchors: Floats) -> Floats:
    """What the classifier knows of products.

    Args:
        colours: `[n, 5, 4]` measured colours.
        anchors: `[a, 3]` CIELAB.

    Returns:
        `[n, 2 * a + 5]` float32: how much of the product is near each anchor, how near its greatest
        colour is to each, and the shares.
    """
    lab, shares = unpack(colours)
    apart = ((lab[:, :, np.newaxis] - anchors) ** 2).sum(axis=-1)
    near = np.exp(apart / (-2 * _REACH**2))
    near /= near.sum(axis=-1, keepdims=True) + _NOWHERE
    of_all = np.einsum("nca,nc->na", near, shares)
    of_greatest = near[:, 0] * (shares[:, :1] > 0)
    assert shares.shape[1] == MOST_COLOURS
    return np.concatenate([of_all, of_greatest, shares], axis=1, dtype=np.float32)


def _softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
