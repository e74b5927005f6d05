"""Products by colour, over images whose colours are known."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.colours import ProductColours, ciede2000, colour_point, lab_of
from indexer.colours.product_match import shares_within
from tests.support.striped_products import RED, packed


def test_shares_are_those_that_were_drawn() -> None:
    colours = packed("red", "red-and-blue", "blue-with-some-red", "green")
    shares = shares_within(colours, lab_of(np.array([[RED]], np.uint8))[0, 0], 5)
    np.testing.assert_allclose(shares, [1, 0.5, 0.1, 0], atol=0.06)


def test_what_was_not_measured_has_no_colour() -> None:
    nothing = np.zeros((2, 5, 4), np.uint8)
    black = np.zeros(3, np.float32)
    assert not shares_within(nothing, black, 100).any()
    products = ProductColours(nothing, np.arange(2), 2)
    assert not products.match(colour_point("#000000"))[0].any()
    assert not products.match(colour_point("multicoloured"))[0].any()


def test_comparing_bytes_first_leaves_nothing_out() -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (400, 5, 4)).astype(np.uint8)
    lab = np.float32([55, 20, -30])
    for within in (3.0, 12.0, 40.0):
        every = colours[..., :3].astype(np.float32)
        every[..., 0] /= 2.55
        every[..., 1:] -= 128
        near = ciede2000(every, lab) <= within
        weights = colours[..., 3].astype(np.float64)
        expected = (near * weights).sum(axis=1) / weights.sum(axis=1)
        np.testing.assert_allclose(shares_within(colours, lab, within), expected, atol=1e-5)


def test_products_have_the_best_of_their_images() -> None:
    owners = np.array([0, 0, 1, 2])
    products = ProductColours(packed("green", "red", "blue", "red-and-blue"), owners, 4)
    red = lab_of(np.array([[RED]], np.uint8))[0, 0]
    assert products.having(red, 8, 0.4).tolist() == [True, False, True, False]
    matches, images = products.match(colour_point("#cd1923"))
    assert matches[0] == pytest.approx(1, abs=0.01)
    assert 0.2 < matches[2] < 0.8
    assert matches[1] < 0.01
    assert images.tolist() == [1, 2, 3, -1]


def test_some_products_match_as_among_all() -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (60, 5, 4)).astype(np.uint8)
    owners = np.sort(rng.integers(0, 30, 60))
    products = ProductColours(colours, owners, 31)
    rows = np.array([30, 7, 0, 12])
    for name in ("navy", "#ff8000", "multicoloured"):
        everything, some = (
            products.match(colour_point(name)),
            products.match(colour_point(name), rows),
        )
        np.testing.assert_array_equal(everything[0][rows], some[0])
        np.testing.assert_array_equal(everything[1][rows], some[1])
    assert some[0][0] == 0
    assert some[1][0] == -1


def test_many_colours_are_more_varied_than_shades_of_one() -> None:
    colours = packed("red", "maroon", "red-and-blue", "blue-with-some-red")
    matches, _ = ProductColours(colours, np.arange(4), 4).match(colour_point("multicoloured"))
    assert matches.argmax() == 2
    assert matches[0] == matches[1] == 0
