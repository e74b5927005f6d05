from __future__ import annotations

import json

import pytest

from indexer.calibration import Calibration, Confidence, confidence_from_json, confidence_to_json
from indexer.storage import QueryKind

FITTED = Calibration(-5.0312, 12.25, (0.00012345, -1.5, 2e-7), 200)
PRIOR = Calibration(-4.0, 10.0)
CONFIDENCE = Confidence(
    {QueryKind.TEXT: FITTED, QueryKind.IMAGE: PRIOR, QueryKind.MIXED: PRIOR}, "category"
)


def test_it_comes_back_the_same() -> None:
    written = json.loads(json.dumps(confidence_to_json(CONFIDENCE)))
    assert written["kinds"]["text"]["direction"] == "0.00012345 -1.5 2e-07"
    assert confidence_from_json(written) == CONFIDENCE


def test_none_stays_none() -> None:
    assert confidence_to_json(None) is None
    assert confidence_from_json(None) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("slope", 0.0), ("slope", -1.0), ("offset", "x"), ("offset", float("nan")),
     ("direction", "0.1 inf"), ("direction", 3), ("queries", None)],
)  # fmt: skip
def test_other_values_are_refused(name: str, value: object) -> None:
    written = confidence_to_json(CONFIDENCE)
    assert written is not None
    written["kinds"]["text"][name] = value
    with pytest.raises((ValueError, TypeError, AttributeError)):
        confidence_from_json(written)


def test_a_missing_kind_is_refused() -> None:
    written = confidence_to_json(CONFIDENCE)
    assert written is not None
    del written["kinds"]["mixed"]
    with pytest.raises(KeyError, match="mixed"):
        confidence_from_json(written)
