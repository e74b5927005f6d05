"""Items: boxes around the things in an image, whatever they are.

The detector is NanoDet-g (416 pixels, 80 classes of COCO). It proposes boxes well and names them
badly, so only its boxes are used. Its input is the image in a square, blue, green, red, normalised.
For each cell of grids with strides of 8, 16 and 32 pixels it gives a score for each class, and for
each side of a box 11 bins: the distance from the cell's centre is their mean by softmax, in strides
(Li et al. 2020, "Generalized Focal Loss").
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from embeddings.encoder import FloatArray, PixelArray
from embeddings.preprocess import Preprocess
from embeddings.vision.boxes import Box, FoundBox, Letterbox, overlaps, strongest
from embeddings.vision.examination import Examination
from embeddings.vision.shipped import ShippedModel, open_shipped

__all__ = ["ITEM_MODEL", "MOST_ITEMS", "WHOLE", "ItemCrops", "crop_to", "find_items"]

ITEM_MODEL = ShippedModel(
    "nanodet.onnx",
    "6191992544822258af7080489ba900097dd739ad0c97e82ad4f73cf37b22f680",
    ("openvino", "onnx"),
)
"""The detector."""

MOST_ITEMS = 15
"""Boxes of one image, the whole image not counted."""

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
"""The box of the whole image."""

_SIDE = 416
_STRIDES = (8, 16, 32)
_BINS = 11
_MEAN = np.array([103.53, 116.28, 123.675], np.float32)
_DEVIATION = np.array([57.375, 57.12, 58.395], np.float32)
_MIN_SCORE = 0.06
# From this overlap on, two boxes are the same item.
_SAME = 0.6
# A box of at least this share of the image is the whole image.
_NEARLY_WHOLE = 0.85
# Narrower boxes than this show nothing that a search could use.
_LEAST_SIDE = 0.04
# Boxes that are looked at after those on stronger ones are gone.
_CANDIDATES = 100
# Levels, of 255, between the darkest and the brightest of what a box shows, and its size for that.
_LEAST_SPREAD = 16
_PROBE = 16


def find_items(image: Image.Image, most: int = MOST_ITEMS) -> list[FoundBox]:
    """Find the items in an RGB image, the surest first; none where there is nothing but one item.

    Args:
        image: The image.
        most: How many boxes at most.

    Returns:
        Boxes of different items. What fills the image is no box: search by the whole image too.

    Raises:
        VisionUnavailableError: No runtime for the detector is installed.
        BrokenModelError: The detector's file is damaged.
    """
    square = Letterbox.of(image, _SIDE)
    pixels = square.pixels[:, :, ::-1].astype(np.float32)
    normalised = ((pixels - _MEAN) / _DEVIATION).transpose(2, 0, 1)[np.newaxis]
    outputs = [output[0] for output in open_shipped(ITEM_MODEL)(normalised)]
    grids = [_decode(grid) for grid in _pairs(outputs)]
    boxes = np.concatenate([boxes for boxes, _ in grids])
    scores = np.concatenate([scores for _, scores in grids])
    sure = np.flatnonzero(scores >= _MIN_SCORE)
    boxes, scores = square.to_image(boxes[sure]), scores[sure]
    useful = (boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=1) >= _LEAST_SIDE
    useful &= overlaps(np.array(WHOLE, np.float32), boxes) < _NEARLY_WHOLE
    boxes, scores = boxes[useful], scores[useful]
    rows = strongest(boxes, scores, _CANDIDATES, _SAME)
    found = [FoundBox(_as_box(boxes[row]), round(float(scores[row]), 4)) for row in rows]
    return [item for item in found if _shows_something(image, item.box)][:most]


def crop_to(image: Image.Image, box: Box) -> Image.Image:
    """Return the part of an image in a box, at least one pixel."""
    (width, height), (left, top, right, bottom) = image.size, box
    x, y = min(int(left * width), width - 1), min(int(top * height), height - 1)
    return image.crop((x, y, max(x + 1, round(right * width)), max(y + 1, round(bottom * height))))


@dataclass(frozen=True)
class ItemCrops:
    """Finds the items of an image, and cuts each out for an encoder; picklable.

    Attributes:
        preprocess: Makes the encoder's pixels.
        examination: What is hidden from the encoder.
        most: How many items at most.
    """

    preprocess: Preprocess
    examination: Examination = field(default_factory=Examination)
    most: int = MOST_ITEMS

    def __call__(self, image: Image.Image) -> list[tuple[FoundBox, PixelArray]]:
        """Return the whole image, with a confidence of 1, and then each item.

        Raises:
            ImageError: The image is refused.
            ModelError: As for `find_items`.
        """
        image = self.examination.encoded(image)
        found = [FoundBox(WHOLE, 1.0), *find_items(image, self.most)]
        return [(item, self.preprocess(crop_to(image, item.box))) for item in found]


def _shows_something(image: Image.Image, box: Box) -> bool:
    """Tell whether a box has more than one colour: a search by a bare wall finds nothing."""
    small = crop_to(image, box).resize((_PROBE, _PROBE), Image.Resampling.BILINEAR)
    pixels = np.asarray(small, np.int16).reshape(-1, 3)
    return bool((np.ptp(pixels, axis=0) >= _LEAST_SPREAD).any())


def _pairs(outputs: list[FloatArray]) -> list[tuple[int, FloatArray, FloatArray]]:
    """Return stride, scores `[cells, 80]` and bins `[cells, 44]` of each grid."""
    grids = []
    for stride in _STRIDES:
        cells = (_SIDE // stride) ** 2
        here = [output for output in outputs if len(output) == cells]
        scores, bins = sorted(here, key=lambda output: output.shape[1] == 4 * _BINS)
        grids.append((stride, scores, bins))
    return grids


def _decode(grid: tuple[int, FloatArray, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return the boxes of a grid, `[cells, 4]` as fractions of the square, and their scores."""
    stride, scores, bins = grid
    side = _SIDE // stride
    cells = np.arange(side * side)
    centres = np.stack([cells % side, cells // side], axis=1) * stride + (stride - 1) / 2
    raw = bins.reshape(-1, 4, _BINS)
    weights = np.exp(raw - raw.max(axis=2, keepdims=True))
    weights /= weights.sum(axis=2, keepdims=True)
    distances = weights @ np.arange(_BINS, dtype=np.float32) * stride
    boxes = np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
    return (boxes / _SIDE).astype(np.float32), scores.max(axis=1)


def _as_box(values: FloatArray) -> Box:
    left, top, right, bottom = (round(float(value), 4) for value in values)
    return left, top, right, bottom
