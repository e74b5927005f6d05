"""Names that are nearest to one that does not exist."""

from __future__ import annotations

from indexer.catalog import nearest_first

FIELDS = ["title", "price", "base_colour", "season"]


def test_the_nearest_come_first() -> None:
    assert nearest_first("colour", FIELDS)[0] == "base_colour"
    assert nearest_first("PRIZE", FIELDS)[0] == "price"
    assert nearest_first("seasons", FIELDS)[0] == "season"
    assert set(nearest_first("seasons", FIELDS)) == set(FIELDS)


def test_unlike_names_stay_in_their_order() -> None:
    assert nearest_first("xyz", FIELDS) == FIELDS
    assert nearest_first("", FIELDS) == FIELDS
    assert nearest_first("x" * 100_000, FIELDS) == FIELDS
    assert nearest_first("x", []) == []
