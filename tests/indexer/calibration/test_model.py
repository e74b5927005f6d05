"""The calibration itself, on pairs whose probabilities are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.calibration import (
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
from indexer.storage import QueryKind

BACKGROUND = Background(0.05, 0.1)
PRIOR = Prior(-4.0, 1.0)
DIM = 16


def drawn(
    queries: int, offset: float, slope: float, direction: np.ndarray | None = None, seed: int = 0
) -> tuple[Pairs, np.ndarray]:
    """Pairs whose hits are right with `sigmoid(offset + slope * score + direction . query)`."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(queries, DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = rng.uniform(0.1, 0.7, (queries, 20))
    shift = 0.0 if direction is None else (vectors @ direction)[:, np.newaxis]
    chance = 1 / (1 + np.exp(-(offset + slope * scores + shift)))
    right = rng.random(chance.shape) < chance
    weights = np.ones(queries)
    return Pairs(vectors.astype(np.float32), scores.astype(np.float32), right, weights), chance


def said(calibration: Calibration, pairs: Pairs) -> np.ndarray:
    rows = zip(pairs.queries, pairs.scores, strict=True)
    return np.array([calibration.of(query, scores) for query, scores in rows])


def test_known_probabilities_are_recovered() -> None:
    pairs, chance = drawn(400, offset=-6.0, slope=14.0)
    calibration = fit_calibration(pairs, BACKGROUND, PRIOR)
    assert calibration.offset == pytest.approx(-6.0, abs=0.6)
    assert calibration.slope == pytest.approx(14.0, rel=0.1)
    assert np.abs(said(calibration, pairs) - chance).max() < 0.12


def test_what_hangs_on_the_query_is_recovered() -> None:
    direction = np.zeros(DIM)
    direction[3] = 8.0
    pairs, _ = drawn(600, -5.0, 12.0, direction)
    calibration = fit_calibration(pairs, BACKGROUND, PRIOR)
    others, chance = drawn(200, -5.0, 12.0, direction, seed=9)
    assert np.abs(said(calibration, others) - chance).mean() < 0.05
    # The score alone can't tell these queries apart.
    blind = Calibration(calibration.offset, calibration.slope)
    assert np.abs(said(blind, others) - chance).mean() > 0.12


def test_a_query_vector_that_says_nothing_is_left_out() -> None:
    pairs, _ = drawn(60, -5.0, 12.0)
    assert fit_calibration(pairs, BACKGROUND, PRIOR).direction == ()


def test_without_pairs_there_is_the_prior_in_the_backgrounds_units() -> None:
    calibration = fit_calibration(None, BACKGROUND, PRIOR)
    z = (0.45 - BACKGROUND.mean) / BACKGROUND.sd
    found = calibration.of(np.zeros(DIM, np.float32), np.array([0.45]))
    assert found[0] == pytest.approx(1 / (1 + np.exp(4.0 - z)), abs=1e-4)
    assert calibration.queries == 0


def test_few_pairs_move_the_prior_little_and_many_move_it_far() -> None:
    few, _ = drawn(2, -9.0, 10.0)
    many, _ = drawn(400, -9.0, 10.0)
    start = fit_calibration(None, BACKGROUND, PRIOR)
    moved = [abs(fit_calibration(p, BACKGROUND, PRIOR).slope - start.slope) for p in (few, many)]
    assert fit_calibration(many, BACKGROUND, PRIOR).offset == pytest.approx(-9.0, abs=1.0)
    assert moved[0] < 4


def test_pairs_that_contradict_cosines_leave_the_order_of_hits() -> None:
    pairs, _ = drawn(300, 6.0, -14.0)
    calibration = fit_calibration(pairs, BACKGROUND, PRIOR)
    assert calibration.slope > 0
    assert said(calibration, pairs).mean() == pytest.approx(pairs.right.mean(), abs=0.03)


@pytest.mark.parametrize("everything", [True, False])
def test_pairs_that_are_all_right_or_all_wrong_give_finite_numbers(everything: bool) -> None:
    pairs, _ = drawn(100, 0.0, 1.0)
    right = np.full(pairs.right.shape, everything)
    same = Pairs(pairs.queries, np.full_like(pairs.scores, 0.4), right, pairs.weights)
    found = said(fit_calibration(same, BACKGROUND, PRIOR), same)
    assert np.isfinite(found).all()
    assert (found > 0.9).all() if everything else (found < 0.1).all()


def test_missing_hits_do_not_count() -> None:
    pairs, _ = drawn(300, -6.0, 14.0)
    scores, right = pairs.scores.copy(), pairs.right.copy()
    scores[:, 10:], right[:, 10:] = np.nan, True
    calibration = fit_calibration(
        Pairs(pairs.queries, scores, right, pairs.weights), BACKGROUND, PRIOR
    )
    whole = fit_calibration(
        Pairs(pairs.queries, scores[:, :10], right[:, :10], pairs.weights), BACKGROUND, PRIOR
    )
    assert calibration == whole


def test_a_fit_is_deterministic() -> None:
    pairs, _ = drawn(100, -6.0, 14.0)
    again, _ = drawn(100, -6.0, 14.0)
    assert fit_calibration(pairs, BACKGROUND, PRIOR) == fit_calibration(again, BACKGROUND, PRIOR)


@given(
    st.lists(st.floats(-1, 1), min_size=2, max_size=30),
    st.floats(-50, 50),
    st.floats(1e-3, 1e3),
    st.integers(0, 10),
)
def test_confidence_is_a_probability_and_keeps_the_order(
    scores: list[float], offset: float, slope: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    calibration = Calibration(offset, slope, tuple(rng.normal(size=DIM).tolist()))
    query = rng.normal(size=DIM).astype(np.float32)
    found = calibration.of(query, np.sort(scores)[::-1])
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) <= 0).all()


def test_the_background_of_nothing_or_of_equal_cosines_changes_nothing() -> None:
    assert Background.of(np.empty((0, 4))) == Background(0.0, 1.0)
    assert Background.of(np.full((2, 2), 0.5)) == Background(0.5, 1.0)


class TestJson:
    def confidence(self) -> Confidence:
        pairs, _ = drawn(200, -5.0, 12.0, np.arange(DIM) - 7.5)
        fitted = fit_calibration(pairs, BACKGROUND, PRIOR)
        assert fitted.direction
        prior = fit_calibration(None, BACKGROUND, PRIORS[QueryKind.IMAGE])
        kinds = {QueryKind.TEXT: fitted, QueryKind.IMAGE: prior, QueryKind.MIXED: prior}
        return Confidence(kinds, "category")

    def test_it_comes_back_the_same(self) -> None:
        confidence = self.confidence()
        written = json.loads(json.dumps(confidence_to_json(confidence)))
        assert confidence_from_json(written) == confidence

    def test_none_stays_none(self) -> None:
        assert confidence_from_json(confidence_to_json(None)) is None

    @pytest.mark.parametrize(
        ("name", "value"),
        [("slope", 0.0), ("slope", -1.0), ("offset", "x"), ("offset", float("nan")),
         ("direction", "0.1 inf"), ("direction", 3), ("queries", None)],
    )  # fmt: skip
    def test_what_is_no_confidence_is_refused(self, name: str, value: object) -> None:
        written = confidence_to_json(self.confidence())
        assert written is not None
        written["kinds"]["text"][name] = value
        with pytest.raises((ValueError, TypeError, AttributeError)):
            confidence_from_json(written)

    def test_a_kind_that_is_missing_is_refused(self) -> None:
        written = confidence_to_json(self.confidence())
        assert written is not None
        del written["kinds"]["mixed"]
        with pytest.raises(KeyError):
            confidence_from_json(written)
