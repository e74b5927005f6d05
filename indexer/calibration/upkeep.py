"""Upkeep of a calibration: whether an update keeps the fit of its index, or needs a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["REFIT_SHARE", "keep_confidence", "mark_as_fitted"]

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
    fitted = former.get("fitted") if former is not None else None
    if former is None or not isinstance(fitted, Mapping):
        return None
    products, before = fitted.get("products"), fitted.get("touched")
    if not isinstance(products, int) or not isinstance(before, int):
        return None
    total = before + touched
    if total >= REFIT_SHARE * products:
        return None
    return {**former, "fitted": {"products": products, "touched": total}}
