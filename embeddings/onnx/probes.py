"""Probe images and texts, on which precisions and runtimes are compared."""

from __future__ import annotations

import numpy as np

from embeddings.encoder import FloatArray, PixelArray

__all__ = ["PROBE_TEXTS", "keeps_vectors", "probe_images"]

PROBE_TEXTS = (
    "a photo of a red dress",
    "Größe 42, 100% cotton; naïve café",
    "shoes " * 100,
    "men's running shoes, black",
    "ceramic mug",
    "Adidas Originals Superstar J Core White/Core Black",
    "blumenkleid für den sommer",
    "1",
)
"""Plain words, long and short texts, non-ASCII ones, names."""

# Half precision is used where it keeps vectors this close to float32: DESIGN.md, "Models".
_MEDIAN_COSINE = 0.999
_LEAST_COSINE = 0.99

_PATTERNS = 8
_CELLS = 4


def probe_images(size: tuple[int, int]) -> PixelArray:
    """Return random colours in eight coarse patterns, eight smooth ones and eight on white.

    Smooth ground, which most product images have, loses most in half precision.

    Args:
        size: (height, width).

    Returns:
        `[24, height, width, 3]` uint8.
    """
    height, width = size
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (_PATTERNS, _CELLS, _CELLS, 3)).astype(np.float32)
    hard = coarse[:, (np.arange(height) * _CELLS) // height]
    hard = hard[:, :, (np.arange(width) * _CELLS) // width]
    smooth = _stretch(_stretch(coarse, height, 1), width, 2)
    framed = np.full_like(smooth, 255.0)
    inner = (slice(height // 4, -(height // 4)), slice(width // 4, -(width // 4)))
    framed[:, *inner] = smooth[:, *inner]
    return np.concatenate([hard, smooth, framed]).round().astype(np.uint8)


def keeps_vectors(full: FloatArray, half: FloatArray) -> bool:
    """Tell whether vectors of half precision stay close enough to those of float32.

    Args:
        full: `[n, dim]`, of length 1.
        half: `[n, dim]`, of length 1.
    """
    cosines = (full * half).sum(axis=1)
    return bool(np.median(cosines) >= _MEDIAN_COSINE and cosines.min() >= _LEAST_COSINE)


def _stretch(values: FloatArray, length: int, axis: int) -> FloatArray:
    """Interpolate linearly along an axis."""
    places = np.linspace(0, values.shape[axis] - 1, length)
    lower = np.minimum(places.astype(int), values.shape[axis] - 2)
    shape = [1] * values.ndim
    shape[axis] = length
    share = (places - lower).astype(np.float32).reshape(shape)
    mixed = values.take(lower, axis) * (1 - share) + values.take(lower + 1, axis) * share
    return np.asarray(mixed, np.float32)
