"""Names of colours, and colours written as hexadecimal numbers."""

from __future__ import annotations

import numpy as np
import pytest

from indexer import QueryError
from indexer.colours import ciede2000, colour_of, colour_table, lab_of, measure_colours
from tests.support.striped_products import drawn


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
def test_an_unknown_colour_is_refused_with_the_known_ones(text: str) -> None:
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
    table = colour_table()
    colours = measure_colours(np.asarray(drawn("red-and-blue")))
    places = table.likeliest_names(colours.lab).tolist()
    assert sorted(table.names[place] for place in places) == ["blue", "red"]
