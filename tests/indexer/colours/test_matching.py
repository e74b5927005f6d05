"""How measured colours are weighted, and how near they are to a colour."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.colours import MeasuredColours, ciede2000, colour_matching, colour_of, lab_of, unpack

SKIN, SHIRT, JEANS = "#d2a58a", "#c8202c", "#3c4658"


def palette(**shares: float) -> np.ndarray:
    """Measured colours of one image, `[1, 5, 4]`: shares by hexadecimal number."""
    pixels = np.array([[[*bytes.fromhex(key[1:])] for key in shares]], np.uint8)
    return MeasuredColours(lab_of(pixels)[0], np.float32([*shares.values()])).to_array()[np.newaxis]


def test_skin_counts_less_than_what_is_sold_unless_it_is_all_there_is() -> None:
    matching = colour_matching()
    worn = palette(**{SKIN: 0.5, SHIRT: 0.5})
    weights = matching.weights(worn)[0]
    assert weights[0] < 0.2 * weights[1]
    nude = palette(**{SKIN: 1.0})
    assert matching.weights(nude)[0, 0] == 1
    red, skin = colour_of(SHIRT), colour_of(SKIN)
    assert matching.match(worn, matching.weights(worn), red)[0] > 0.8
    assert matching.match(nude, matching.weights(nude), skin)[0] > 0.99


def test_weights_are_a_distribution_over_what_was_measured() -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (50, 5, 4)).astype(np.uint8)
    colours[:10, 2:, 3] = 0
    colours[10] = 0
    weights = colour_matching().weights(colours)
    np.testing.assert_allclose(weights.sum(axis=1), (colours[..., 3].any(axis=1)), atol=1e-5)
    assert not weights[colours[..., 3] == 0].any()


def test_differences_are_exact_near_and_close_to_it_far_away() -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (300, 5, 4)).astype(np.uint8)
    matching, point = colour_matching(), colour_of("#806040")
    exact = ciede2000(unpack(colours)[0], point, matching.lightness)
    found = matching.differences(colours, point)
    near = exact < 2 * matching.spread
    assert near.sum() > 20
    np.testing.assert_allclose(found[near], exact[near], atol=1e-3)
    np.testing.assert_allclose(found, exact, atol=3)


def test_confidence_rises_with_the_match() -> None:
    confidences = colour_matching().confidence(np.linspace(0, 1, 200))
    assert (np.diff(confidences) > 0).all()
    assert confidences[0] < 0.01
    assert confidences[-1] > 0.75


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_the_parametric_factor_divides_differences_of_lightness(factor: float) -> None:
    dark, light = np.float32([40, 0, 0]), np.float32([60, 0, 0])
    plain = float(ciede2000(dark, light))
    assert float(ciede2000(dark, light, factor)) == pytest.approx(plain / factor, rel=1e-5)
