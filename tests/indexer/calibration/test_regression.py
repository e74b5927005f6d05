"""The fit of a calibration, to pairs whose probabilities are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from indexer.calibration import Calibration, Pairs, fit_calibration
from tests.support.calibration_pairs import BACKGROUND, DIM, PRIOR, draw_pairs, predict


def test_known_probabilities_are_recovered() -> None:
    pairs, expected = draw_pairs(400, offset=-6.0, slope=14.0)
    calibration = fit_calibration(pairs, BACKGROUND, PRIOR)
    assert calibration.offset == pytest.approx(-6.0, abs=0.6)
    assert calibration.slope == pytest.approx(14.0, rel=0.1)
    assert np.abs(predict(calibration, pairs) - expected).max() < 0.12


@pytest.mark.parametrize("weight", [0.1, 30.0])
def test_the_fit_is_the_most_probable(weight: float) -> None:
    """Against a grid around it; offset and slope are strongly correlated."""
    pairs, _ = draw_pairs(30, -9.0, 13.0)
    pairs = replace(pairs, weights=np.full(30, weight))
    fitted = fit_calibration(pairs, BACKGROUND, PRIOR)
    z = (pairs.scores - BACKGROUND.mean) / BACKGROUND.sd
    slope = fitted.slope * BACKGROUND.sd
    offset = fitted.offset + fitted.slope * BACKGROUND.mean

    def cost(offset: float, slope: float) -> float:
        logits = offset + slope * z
        loss = (np.logaddexp(0, logits) - pairs.labels * logits).sum() * 3 * weight / 20
        return float(loss + (offset + 4) ** 2 / 18 + (slope - 1) ** 2 / (2 * 0.7**2))

    steps = [(a, b) for a in (-0.03, 0, 0.03) for b in (-0.01, 0, 0.01) if a or b]
    assert all(cost(offset, slope) < cost(offset + a, slope + b) for a, b in steps)


def test_what_depends_on_the_query_is_recovered() -> None:
    direction = np.zeros(DIM)
    direction[3] = 8.0
    pairs, _ = draw_pairs(600, -5.0, 12.0, direction)
    calibration = fit_calibration(pairs, BACKGROUND, PRIOR)
    others, expected = draw_pairs(200, -5.0, 12.0, direction, seed=9)
    assert np.abs(predict(calibration, others) - expected).mean() < 0.05
    # The score alone does not tell these queries apart.
    blind = Calibration(calibration.offset, calibration.slope)
    assert np.abs(predict(blind, others) - expected).mean() > 0.12


def test_a_query_vector_without_effect_is_left_out() -> None:
    pairs, _ = draw_pairs(60, -5.0, 12.0)
    assert fit_calibration(pairs, BACKGROUND, PRIOR).direction == ()


def test_without_pairs_there_is_the_prior_in_the_backgrounds_units() -> None:
    calibration = fit_calibration(None, BACKGROUND, PRIOR)
    z = (0.45 - BACKGROUND.mean) / BACKGROUND.sd
    found = calibration.of(np.zeros(DIM, np.float32), np.array([0.45]))
    assert found[0] == pytest.approx(1 / (1 + np.exp(4.0 - z)), abs=1e-4)
    assert calibration.queries == 0


def test_few_pairs_move_the_prior_little_and_many_move_it_far() -> None:
    few, _ = draw_pairs(2, -9.0, 10.0)
    many, _ = draw_pairs(400, -9.0, 10.0)
    start = fit_calibration(None, BACKGROUND, PRIOR)
    moved = [abs(fit_calibration(p, BACKGROUND, PRIOR).slope - start.slope) for p in (few, many)]
    assert fit_calibration(many, BACKGROUND, PRIOR).offset == pytest.approx(-9.0, abs=1.0)
    assert moved[0] < 4


def test_pairs_that_contradict_cosines_leave_the_order_of_hits() -> None:
    pairs, _ = draw_pairs(300, 6.0, -14.0)
    calibration = fit_calibration(pairs, BACKGROUND, PRIOR)
    assert calibration.slope == pytest.approx(0.1 * PRIOR.slope / BACKGROUND.sd)
    assert predict(calibration, pairs).mean() == pytest.approx(pairs.labels.mean(), abs=0.03)


@pytest.mark.parametrize("everything", [True, False])
def test_pairs_that_are_all_right_or_all_wrong_give_finite_numbers(everything: bool) -> None:
    pairs, _ = draw_pairs(100, 0.0, 1.0)
    labels = np.full(pairs.labels.shape, everything)
    same = Pairs(pairs.queries, np.full_like(pairs.scores, 0.4), labels, pairs.weights)
    found = predict(fit_calibration(same, BACKGROUND, PRIOR), same)
    assert np.isfinite(found).all()
    assert (found > 0.9).all() if everything else (found < 0.1).all()


def test_missing_hits_do_not_count() -> None:
    pairs, _ = draw_pairs(300, -6.0, 14.0)
    scores, labels = pairs.scores.copy(), pairs.labels.copy()
    scores[:, 10:], labels[:, 10:] = np.nan, True
    calibration = fit_calibration(
        Pairs(pairs.queries, scores, labels, pairs.weights), BACKGROUND, PRIOR
    )
    whole = fit_calibration(
        Pairs(pairs.queries, scores[:, :10], labels[:, :10], pairs.weights), BACKGROUND, PRIOR
    )
    assert calibration == whole


def test_a_fit_is_deterministic() -> None:
    pairs, _ = draw_pairs(100, -6.0, 14.0)
    again, _ = draw_pairs(100, -6.0, 14.0)
    assert fit_calibration(pairs, BACKGROUND, PRIOR) == fit_calibration(again, BACKGROUND, PRIOR)
