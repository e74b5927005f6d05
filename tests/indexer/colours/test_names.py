"""The table of colour names."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.colours import colour_table, measure_colours
from tests.support.striped_products import drawn


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
