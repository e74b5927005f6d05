"""Confidence calibration: cosines in, probabilities out; fitted to each catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from indexer.calibration.fitting import LabelledPairs, draw_pairs, fit_confidence
    from indexer.calibration.hits import HITS
    from indexer.calibration.model import (
        PRIORS,
        Background,
        Calibration,
        Confidence,
        Doubles,
        Prior,
        sigmoid,
    )
    from indexer.calibration.queries import value_of
    from indexer.calibration.regression import Pairs, fit_calibration
    from indexer.calibration.serialization import confidence_from_json, confidence_to_json
    from indexer.calibration.upkeep import (
        REFIT_SHARE,
        count_touched,
        keep_confidence,
        mark_as_fitted,
    )
    from indexer.calibration.words import HeldWords, ceiling, confidence_by_words, falling
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "indexer.calibration.fitting": (
                "LabelledPairs",
                "draw_pairs",
                "fit_confidence",
            ),
            "indexer.calibration.hits": ("HITS",),
            "indexer.calibration.model": (
                "PRIORS",
                "Background",
                "Calibration",
                "Confidence",
                "Doubles",
                "Prior",
                "sigmoid",
            ),
            "indexer.calibration.queries": ("value_of",),
            "indexer.calibration.regression": (
                "Pairs",
                "fit_calibration",
            ),
            "indexer.calibration.serialization": (
                "confidence_from_json",
                "confidence_to_json",
            ),
            "indexer.calibration.upkeep": (
                "REFIT_SHARE",
                "count_touched",
                "keep_confidence",
                "mark_as_fitted",
            ),
            "indexer.calibration.words": (
                "HeldWords",
                "ceiling",
                "confidence_by_words",
                "falling",
            ),
        },
    )

__all__ = [
    "HITS",
    "PRIORS",
    "REFIT_SHARE",
    "Background",
    "Calibration",
    "Confidence",
    "Doubles",
    "HeldWords",
    "LabelledPairs",
    "Pairs",
    "Prior",
    "ceiling",
    "confidence_by_words",
    "confidence_from_json",
    "confidence_to_json",
    "count_touched",
    "draw_pairs",
    "falling",
    "fit_calibration",
    "fit_confidence",
    "keep_confidence",
    "mark_as_fitted",
    "sigmoid",
    "value_of",
]
