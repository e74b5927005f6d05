"""Reading: the words in an image and where they are, by PP-OCR models (package rapidocr)."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from embeddings.encoder import FloatArray
from embeddings.errors import BrokenModelError
from embeddings.onnx.runtimes import installed_runtimes, open_runtime
from embeddings.vision.boxes import Box
from embeddings.vision.packages import find_package

__all__ = ["READABLE_SIDE", "ReadLine", "check_reading", "read_text"]

READABLE_SIDE = 736
"""Shorter side, in pixels, of the images that are read best: smaller ones are enlarged to it."""

_PACKAGE = "rapidocr"
_PURPOSE = "Reading text in images"
_MODELS = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
    "Cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}
_LOCK = threading.Lock()

# The longest side that is read. Larger images are scaled down; small print of a whole page is lost.
_LONGEST = 1600
# The detector enlarges an image until its shorter side has 736 pixels. Strips get a margin, so that
# the longer one stays bounded.
_MAX_ASPECT = 3
# Lines that the recogniser itself trusts less are noise.
_MIN_CONFIDENCE = 0.6
_MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A line of text.

    Attributes:
        text: What it says.
        box: The rectangle around it.
        confidence: The recogniser's own score, 0 to 1.
    """

    text: str
    box: Box
    confidence: float


def read_text(image: Image.Image) -> list[ReadLine]:
    """Read the lines of text in an RGB image, from top to bottom, at most 200.

    Raises:
        VisionUnavailableError: The package is not installed.
        BrokenModelError: One of its model files is missing or damaged.
    """
    pixels, scale = _bounded(image)
    with _LOCK:  # the package's objects are not made for several threads
        found = _reader()(pixels)
    if found.txts is None:
        return []
    lines = [
        ReadLine(text.strip(), _box_of(corners / scale, image.size), round(float(score), 3))
        for corners, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        if text.strip() and score >= _MIN_CONFIDENCE
    ]
    return sorted(lines, key=lambda line: (line.box[1], line.box[0]))[:_MOST_LINES]


def check_reading() -> None:
    """Check that the package is installed.

    Raises:
        VisionUnavailableError: It is not.
    """
    find_package(_PACKAGE, _PURPOSE)


def _bounded(image: Image.Image) -> tuple[NDArray[np.uint8], float]:
    """Return blue, green, red pixels of bounded size, and by how much they were scaled."""
    scale = min(1.0, _LONGEST / max(image.size))
    width, height = (max(1, round(side * scale)) for side in image.size)
    if scale < 1:
        image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    least = -(-max(width, height) // _MAX_ASPECT)
    if min(width, height) < least:
        canvas = Image.new("RGB", (max(width, least), max(height, least)), "white")
        canvas.paste(image, (0, 0))
        image = canvas
    return np.ascontiguousarray(np.asarray(image, np.uint8)[:, :, ::-1]), scale


def _box_of(corners: FloatArray, size: tuple[int, int]) -> Box:
    """Return the rectangle around four corners in pixels, as fractions of the sides."""
    low = np.clip(corners.min(axis=0) / size, 0, 1)
    high = np.clip(corners.max(axis=0) / size, 0, 1)
    left, top, right, bottom = (round(float(value), 4) for value in (*low, *high))
    return left, top, right, bottom


@cache
def _reader() -> Any:
    folder = find_package(_PACKAGE, _PURPOSE) / "models"
    engine = "onnxruntime"
    if "openvino" in installed_runtimes():
        open_runtime("openvino", threads=1)  # imported as the rest of the program does
        engine = "openvino"
    try:
        import rapidocr

        # With paths, or the package would fetch a missing model.
        params: dict[str, Any] = {
            f"{part}.model_path": str(_existing(folder / name)) for part, name in _MODELS.items()
        }
        kind = rapidocr.EngineType(engine)
        params |= {f"{part}.engine_type": kind for part in _MODELS}
        params |= {
            "Global.log_level": "critical",
            "Global.max_side_len": _LONGEST,
            "EngineConfig.openvino.inference_num_threads": 1,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
        reader = rapidocr.RapidOCR(params=params)
        reader(np.full((64, 64, 3), 255, np.uint8))  # loads the detector
    except Exception as error:  # the errors of the package and of the runtimes have no common type
        raise BrokenModelError(
            f"A model file of {_PACKAGE} is missing or damaged ({type(error).__name__}). Install "
            "it again: pip install --force-reinstall --no-deps rapidocr"
        ) from error
    return reader


def _existing(path: Any) -> Any:
    if not path.is_file():
        raise FileNotFoundError(path)
    return path
