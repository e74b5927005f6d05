"""Colours by name, and the colours of products, over images whose colours are known."""

from __future__ import annotations

import numpy as np
import pytest

from indexer import QueryError
from indexer.colours import (
    ProductColours,
    ciede2000,
    colour_of,
    colour_table,
    lab_of,
    measure_colours,
)
from indexer.colours.names import name_colours
from indexer.colours.product_match import nearness, shares_within
from tests.support.striped_products import RED, drawn, packed


@pytest.mark.parametrize("text", ["#cd1923", "cd1923", "#CD1923"])
def test_colours_are_read_from_hex(text: str) -> None:
    expected = lab_of(np.array([[[0xCD, 0x19, 0x23]]], np.uint8))[0, 0]
    np.testing.assert_array_equal(colour_of(text), expected)


def test_short_hex_doubles_its_digits() -> None:
    np.testing.assert_array_equal(colour_of("#fa0"), colour_of("#ffaa00"))


def test_names_and_synonyms_are_colours() -> None:
    np.testing.assert_array_equal(colour_of("Navy  Blue"), colour_of("navy"))
    assert ciede2000(colour_of("red"), colour_of("#c82030")) < 15
    assert ciede2000(colour_of("yellow"), colour_of("#e8cc40")) < 15


@pytest.mark.parametrize("text", ["", "#12345", "octarine", "multicoloured", "#gggggg"])
def test_what_is_no_colour_is_refused_naming_those_there_are(text: str) -> None:
    with pytest.raises(QueryError, match="navy blue"):
        colour_of(text)


def test_the_table_is_whole() -> None:
    table = colour_table()
    assert len(table.names) == len(set(table.names)) == 46
    assert table.priors.sum() == pytest.approx(1, abs=1e-3)
    assert [n for n, c in zip(table.names, table.centres, strict=True) if np.isnan(c[0])] == [
        "multicoloured"
    ]
    assert not set(table.synonyms) & set(table.names)
    assert all(name in table.near(name) for name in table.names)
    # Nearness goes both ways.
    assert all(a in table.near(b) for a in table.names for b in table.near(a))


def test_a_product_is_named_by_its_colours() -> None:
    found = name_colours(measure_colours(np.asarray(drawn("red-and-blue"))))
    assert {share.name for share in found} == {"red", "blue"}
    assert sum(share.share for share in found) == pytest.approx(1, abs=1e-5)


def test_shares_are_those_that_were_drawn() -> None:
    colours = packed("red", "red-and-blue", "blue-with-some-red", "green")
    shares = shares_within(colours, lab_of(np.array([[RED]], np.uint8))[0, 0], 5)
    np.testing.assert_allclose(shares, [1, 0.5, 0.1, 0], atol=0.06)


def test_what_was_not_measured_has_no_colour() -> None:
    nothing = np.zeros((2, 5, 4), np.uint8)
    black = np.zeros(3, np.float32)
    assert not shares_within(nothing, black, 100).any()
    assert not nearness(nothing, black).any()


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


def test_products_have_the_best_of_their_pictures() -> None:
    owners = np.array([0, 0, 1, 2])
    products = ProductColours(packed("green", "red", "blue", "red-and-blue"), owners, 4)
    red = lab_of(np.array([[RED]], np.uint8))[0, 0]
    assert products.having(red, 8, 0.4).tolist() == [True, False, True, False]
    near = products.nearness(np.array([2, 0, 1]), red)
    assert near[1] == pytest.approx(1, abs=0.01)
    assert near[0] > 0.9
    assert near[2] < 0.1
