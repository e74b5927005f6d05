"""Rare values of a field, and the values that they are misspellings of."""

from __future__ import annotations

import pytest

from indexer.quality import RareValue
from indexer.quality.rare_values import find_rare_values, is_misspelling


@pytest.mark.parametrize(
    ("value", "meant", "expected"),
    [
        ("Blak", "Black", True),
        ("Blcak", "Black", True),
        ("BLACK ", "black", True),
        ("Grey", "Gray", True),
        ("Lounge Tshirts", "Lounge Shorts", False),
        ("Red", "Rad", False),
        ("Watches", "Wallets", False),
    ],
)
def test_misspellings(value: str, meant: str, expected: bool) -> None:
    assert is_misspelling(value, meant) is expected


def test_rare_values_and_what_they_stand_for() -> None:
    products_of = {"black": range(60), "blak": [60], "teal": [61, 62], "white": range(70, 100)}
    found = find_rare_values(products_of, lambda products: tuple(map(str, products)))
    assert found == (
        RareValue("blak", 1, ("60",), "black"),
        RareValue("teal", 2, ("61", "62"), None),
    )


def test_a_value_is_no_misspelling_of_another_rare_one() -> None:
    products_of = {"grey": range(9), "gray": [9]}
    (rare,) = find_rare_values(products_of, lambda _: ())
    assert (rare.value, rare.meant) == ("gray", None)
