"""Confidence as JSON values, kept in the manifest of an index."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from indexer.calibration.model import Calibration, Confidence
from indexer.storage import QueryKind

__all__ = ["confidence_from_json", "confidence_to_json"]


def confidence_to_json(confidence: Confidence | None) -> dict[str, Any] | None:
    """Return JSON values; a direction is one text of numbers, which keeps a manifest legible."""
    if confidence is None:
        return None
    kinds = {
        str(kind): {
            "offset": calibration.offset,
            "slope": calibration.slope,
            "direction": " ".join(f"{number:g}" for number in calibration.direction),
            "queries": calibration.queries,
        }
        for kind, calibration in confidence.kinds.items()
    }
    return {"kinds": kinds, "same": confidence.same}


def confidence_from_json(raw: Mapping[str, Any] | None) -> Confidence | None:
    """Read what `confidence_to_json` returned.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: The values are not a confidence.
    """
    if raw is None:
        return None
    kinds = {kind: _calibration(raw["kinds"][kind]) for kind in QueryKind}
    return Confidence(kinds, str(raw["same"]))


def _calibration(raw: Mapping[str, Any]) -> Calibration:
    slope = _finite(raw["slope"])
    if slope <= 0:
        raise ValueError("the slope is not above 0")
    return Calibration(
        offset=_finite(raw["offset"]),
        slope=slope,
        direction=tuple(_finite(part) for part in raw["direction"].split()),
        queries=int(raw["queries"]),
    )


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not finite")
    return number
