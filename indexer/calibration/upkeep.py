"""Upkeep of a calibration: whether an update keeps the fit of its index, or needs a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["REFIT_SHARE", "count_touched", "keep_confidence", "mark_as_fitted"]

REFIT_SHARE = 0.05
"""Products added, changed and removed since the fit, as a share of those it was fitted to, from
which an update fits anew (docs/decisions/0027-confidence-upkeep.md)."""


def mark_as_fitted(confidence: Mapping[str, Any] | None, products: int) -> dict[str, Any] | None:
    """Return a confidence's JSON values with the number of products that it was fitted to."""
    if confidence is None:
        return None
    return {**confidence, "fitted": {"products": products, "touched": 0}}


def keep_confidence(former: Mapping[str, Any] | None, touched: int) -> dict[str, Any] | None:
    """Return the JSON values of a former fit, with an update counted; None if it must be fitted.

    Args:
        former: As an earlier generation's manifest holds it; one of a version that did not count
            is never kept.
        touched: Products that the update added, changed and removed.
    """
    counted = count_touched(former, touched)
    fitted = counted.get("fitted") if counted is not None else None
    if counted is None or fitted is None or counted is former:
        return None
    return None if fitted["touched"] >= REFIT_SHARE * fitted["products"] else dict(counted)


def count_touched(former: Mapping[str, Any] | None, touched: int) -> Mapping[str, Any] | None:
    """Return a former fit with further products counted as touched, so that a build fits anew.

    A fit of a version that did not count is returned as it is.
    """
    fitted = former.get("fitted") if former is not None else None
    if former is None or not isinstance(fitted, Mapping):
        return former
    products, before = fitted.get("products"), fitted.get("touched")
    if not isinstance(products, int) or not isinstance(before, int):
        return former
    return {**former, "fitted": {"products": products, "touched": before + touched}}
