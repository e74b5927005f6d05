"""Confidence calibration: cosine scores in, probabilities out."""

from __future__ import annotations

from indexer.calibration.fitting import HITS, LabelledPairs, draw_pairs, fit_confidence
from indexer.calibration.model import (
    PRIORS,
    Background,
    Calibration,
    Confidence,
    Pairs,
    Prior,
    confidence_from_json,
    confidence_to_json,
    fit_calibration,
)
from indexer.calibration.queries import value_of

__all__ = [
    "HITS",
    "PRIORS",
    "Background",
    "Calibration",
    "Confidence",
    "LabelledPairs",
    "Pairs",
    "Prior",
    "confidence_from_json",
    "confidence_to_json",
    "draw_pairs",
    "fit_calibration",
    "fit_confidence",
    "value_of",
]
