"""Faces: where they are in an image, and the image without them; nobody is ever recognised.

The detector is MediaPipe's full-range face detector (sparse weights). Its input is the image in a
square of 192 pixels, scaled to -1 to 1. Each of 48 x 48 cells gives a score and a box: the distance
of its centre from the cell's, and its sides, in pixels of the square.
"""

from __future__ import annotations

import io
from enum import StrEnum

import numpy as np
from PIL import Image, ImageDraw

from embeddings.encoder import FloatArray
from embeddings.images import make_thumbnail
from embeddings.vision.boxes import Box, FoundBox, Letterbox, strongest
from embeddings.vision.shipped import ShippedModel, open_shipped

__all__ = ["FACE_MODEL", "FaceMode", "cover_faces", "faceless_thumbnail", "find_faces"]

FACE_MODEL = ShippedModel(
    "face_detection_full_range_sparse.tflite",
    "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    ("openvino",),  # the only runtime here that reads TFLite files
)
"""The detector."""

_SIDE = 192
_CELLS = 48
# A score of 0.5 finds 59 of 60 faces and one false box in 93 images without a face.
_MIN_SCORE = 0.5
# Covered images are looked at again with less trust: compression moves a score a little.
_MIN_SCORE_AGAIN = 0.4
_OVERLAP = 0.3
_MOST = 500
# The widest exponent whose result fits in float32.
_MOST_LOGIT = 80.0

# What is covered is larger than the box by this share of its sides, on each side: then the ellipse
# in it covers the whole box.
_MARGIN = 0.25
# Sides of the coarse grid that a blurred face is reduced to: colours and light are left of it.
_BLURRED_CELLS = 4
# How often a covered image is looked at again: the detector sees smaller faces once large ones are
# gone.
_ROUNDS = 4


class FaceMode(StrEnum):
    """What is done about the faces in an image.

    KEEP leaves them, and looks for none. BLUR blurs them in everything that is stored or shown.
    DROP does so too, and hides them from the encoder and from the measuring of colours.
    """

    KEEP = "keep"
    BLUR = "blur"
    DROP = "drop"


def find_faces(image: Image.Image, *, least: float = _MIN_SCORE) -> list[FoundBox]:
    """Find the faces in an RGB image, the surest first, at most 500.

    Args:
        image: The image.
        least: The least confidence, 0 to 1.

    Raises:
        VisionUnavailableError: OpenVINO is not installed.
        BrokenModelError: The detector's file is damaged.
    """
    square = Letterbox.of(image, _SIDE)
    pixels = square.pixels[np.newaxis].astype(np.float32) / np.float32(127.5) - np.float32(1)
    places, logits = (output[0] for output in open_shipped(FACE_MODEL)(pixels))
    scores = 1 / (1 + np.exp(-np.clip(logits[:, 0], -_MOST_LOGIT, _MOST_LOGIT)))
    sure = np.flatnonzero(scores >= least)
    boxes = square.to_image(_decode(places, sure))
    rows = strongest(boxes, scores[sure], _MOST, _OVERLAP)
    return [FoundBox(_as_box(boxes[row]), float(scores[sure[row]])) for row in rows]


def cover_faces(image: Image.Image, *, fill: bool = False) -> tuple[Image.Image, list[FoundBox]]:
    """Return an image whose faces can't be made out, and the faces; the same image without any.

    Args:
        image: RGB; it is not changed.
        fill: Cover them with the colour around them; by default they are blurred.

    Raises:
        ModelError: As for `find_faces`.
    """
    faces = find_faces(image)
    found = faces
    for number in range(_ROUNDS):
        if not found:
            break
        # What still looks like a face after several rounds is filled.
        filled = fill or number == _ROUNDS - 1
        image = _covered(image, [face.box for face in found], fill=filled)
        found = find_faces(image, least=_MIN_SCORE_AGAIN)
    return image, faces


def faceless_thumbnail(image: Image.Image, longest: int) -> bytes:
    """Make a thumbnail in which the detector finds no face, of an image whose faces are covered.

    Scaling and compression may bring one back; it is covered in the thumbnail too.

    Args:
        image: RGB.
        longest: As for `make_thumbnail`.

    Raises:
        ModelError: As for `find_faces`.
    """
    content = make_thumbnail(image, longest)
    for _ in range(_ROUNDS):
        with Image.open(io.BytesIO(content), formats=["WEBP"]) as stored:
            small = stored.convert("RGB")
        found = find_faces(small)
        if not found:
            break
        content = make_thumbnail(_covered(small, [face.box for face in found], fill=True), longest)
    return content


def _decode(places: FloatArray, cells: np.ndarray) -> FloatArray:
    """Return the boxes of some cells, `[n, 4]`, as fractions of the square."""
    centres = np.stack([cells % _CELLS, cells // _CELLS], axis=1) + np.float32(0.5)
    middle = places[cells, :2] / _SIDE + centres / _CELLS
    half = places[cells, 2:4] / _SIDE / 2
    return np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)


def _as_box(values: FloatArray) -> Box:
    left, top, right, bottom = (round(float(value), 4) for value in values)
    return left, top, right, bottom


def _covered(image: Image.Image, boxes: list[Box], *, fill: bool) -> Image.Image:
    covered = image.copy()
    for box in boxes:
        region = _pixels_of(box, image.size)
        left, top = max(0, region[0]), max(0, region[1])
        right, bottom = min(image.width, region[2]), min(image.height, region[3])
        part = covered.crop((left, top, right, bottom))
        ellipse = Image.new("L", (region[2] - region[0], region[3] - region[1]))
        ImageDraw.Draw(ellipse).ellipse((0, 0, ellipse.width - 1, ellipse.height - 1), fill=255)
        x, y = left - region[0], top - region[1]
        mask = ellipse.crop((x, y, x + part.width, y + part.height))
        cover = _around(part, mask) if fill else _blurred(part)
        covered.paste(cover, (left, top), mask)
    return covered


def _pixels_of(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return a box in pixels with its margin; it may reach out of the image."""
    (width, height), (left, top, right, bottom) = size, box
    across = _MARGIN * (right - left) * width + 1
    down = _MARGIN * (bottom - top) * height + 1
    return (
        int(left * width - across),
        int(top * height - down),
        int(right * width + across) + 1,
        int(bottom * height + down) + 1,
    )


def _blurred(part: Image.Image) -> Image.Image:
    coarse = (min(part.width, _BLURRED_CELLS), min(part.height, _BLURRED_CELLS))
    return part.resize(coarse, Image.Resampling.BOX).resize(part.size, Image.Resampling.BICUBIC)


def _around(part: Image.Image, mask: Image.Image) -> Image.Image:
    """Return the mean colour of what the mask leaves of a part; grey if it leaves nothing."""
    outside = np.asarray(part)[np.asarray(mask) == 0]
    colour = outside.mean(axis=0).round() if len(outside) else np.full(3, 128)
    return Image.new("RGB", part.size, tuple(int(channel) for channel in colour))
