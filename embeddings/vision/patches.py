"""Patch features: what the image tower of `compact` sees in each small part of an image.

As in PatchCore (Roth et al. 2022, "Towards Total Recall in Industrial Anomaly Detection") they are
activations inside of the network, averaged with their neighbours: deep enough to be robust to
light, and shallow enough to know where they are.
"""

from __future__ import annotations

import threading
from functools import cache

import numpy as np
from PIL import Image

from embeddings.encoder import FloatArray
from embeddings.errors import VisionUnavailableError
from embeddings.models import COMPACT_FOLDER
from embeddings.onnx.runtimes import InferAll, installed_runtimes, open_inner
from embeddings.preprocess import Preprocess, ResizeMode
from embeddings.vision.shipped import INSTALL

__all__ = ["check_patches", "patch_features"]

_TOWER = "image.onnx"
_SIDE = 160
# A layer early in the network: it sees a defect of a hundredth of the product, and where.
_STRIDE = 4
_FIT = Preprocess((_SIDE, _SIDE), ResizeMode.LONGEST, fill=255)
_LEAST_SPREAD = 1e-5
_OPENING = threading.Lock()


def patch_features(image: Image.Image) -> FloatArray:
    """Return the features of each part of an RGB image, `[cells, cells, channels]` unit vectors.

    The image is fitted into a square; what is beside it is white.

    Raises:
        VisionUnavailableError: OpenVINO is not installed.
        BrokenModelError: The tower's file is damaged.
    """
    with _OPENING:  # two threads would compile it twice
        infer = _tower()
    (maps,) = infer(_FIT(image)[np.newaxis])
    whole = maps[0].transpose(1, 2, 0)
    centred = whole - whole.mean(axis=2, keepdims=True)
    scaled = centred / (centred.std(axis=2, keepdims=True) + _LEAST_SPREAD)
    smooth = _averaged(scaled)
    lengths = np.linalg.norm(smooth, axis=2, keepdims=True)
    features: FloatArray = (smooth / np.maximum(lengths, _LEAST_SPREAD)).astype(np.float32)
    return features


def check_patches() -> None:
    """Check that the runtime that gives features is installed.

    Raises:
        VisionUnavailableError: It is not.
    """
    if "openvino" not in installed_runtimes():
        raise VisionUnavailableError(
            f"Finding anomalies needs openvino, which is not installed. Install it: {INSTALL}"
        )


def _averaged(values: FloatArray) -> FloatArray:
    """Return the mean of each cell and its eight neighbours."""
    height, width, _ = values.shape
    padded = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
    shifted = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    mean: FloatArray = np.mean(shifted, axis=0, dtype=np.float32)
    return mean


@cache
def _tower() -> InferAll:
    check_patches()
    return open_inner(COMPACT_FOLDER / _TOWER, _SIDE // _STRIDE)
