"""Upkeep of a calibration: small updates keep the fit, until they add up."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.calibration import REFIT_SHARE, keep_confidence, mark_as_fitted

FITTED = {"kinds": {}, "same": "", "fitted": {"products": 100, "touched": 0}}


def test_a_fit_remembers_the_number_of_its_products() -> None:
    assert mark_as_fitted({"kinds": {}, "same": ""}, 100) == FITTED
    assert mark_as_fitted(None, 100) is None


def test_updates_are_counted_until_they_reach_the_share() -> None:
    assert REFIT_SHARE == 0.05
    kept = keep_confidence(FITTED, 2)
    assert kept == {**FITTED, "fitted": {"products": 100, "touched": 2}}
    kept = keep_confidence(kept, 2)
    assert kept == {**FITTED, "fitted": {"products": 100, "touched": 4}}
    assert keep_confidence(kept, 1) is None
    assert keep_confidence(kept, 0) == kept


@pytest.mark.parametrize(
    "former",
    [
        None,
        {"kinds": {}, "same": ""},
        {**FITTED, "fitted": None},
        {**FITTED, "fitted": {"products": "many", "touched": 0}},
        {**FITTED, "fitted": {"products": 100}},
        {**FITTED, "fitted": {"products": 0, "touched": 0}},
    ],
)
def test_a_fit_that_was_not_counted_is_not_kept(former: dict[str, Any] | None) -> None:
    assert keep_confidence(former, 0) is None
