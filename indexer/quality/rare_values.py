"""Rare values of categorical fields, and the common values that they may be misspellings of."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence

from indexer.quality.health_facts import RareValue

__all__ = ["find_rare_values", "is_misspelling"]

# A value is rare if no more than this number of products have it, or this share of them.
_RARE_PRODUCTS = 2
_RARE_SHARE = 0.0005
# A value counts as a misspelling only of values that are this many times as frequent.
_FREQUENCY_RATIO = 10
# Letters of the shortest word compared: one changed letter in a shorter word makes another word.
_MIN_LENGTH = 4
# Letters that two swapped neighbours count as changed.
_SWAPPED = 2


def find_rare_values(
    products_of: Mapping[str, Sequence[int]], ids: Callable[[Sequence[int]], tuple[str, ...]]
) -> tuple[RareValue, ...]:
    """Find the rare values of a field.

    Args:
        products_of: Product numbers by value.
        ids: Returns the ids of some products to show.

    Returns:
        Likely misspellings first, then by the number of products, ascending.
    """
    filled = sum(map(len, products_of.values()))
    most = max(_RARE_PRODUCTS, int(_RARE_SHARE * filled))
    rare = []
    for value, products in products_of.items():
        if len(products) > most:
            continue
        common = (
            other
            for other, others in products_of.items()
            if len(others) >= _FREQUENCY_RATIO * len(products)
        )
        meant = next((other for other in common if is_misspelling(value, other)), None)
        rare.append(RareValue(value, len(products), ids(products), meant))
    return tuple(sorted(rare, key=lambda value: (value.meant is None, value.products)))


def is_misspelling(value: str, meant: str) -> bool:
    """Whether two spellings differ by one letter, by two swapped neighbours, or only in case."""
    value, meant = value.casefold().strip(), meant.casefold().strip()
    if value == meant:
        return True
    if min(len(value), len(meant)) < _MIN_LENGTH or abs(len(value) - len(meant)) > 1:
        return False
    changes = difflib.SequenceMatcher(None, value, meant, autojunk=False).get_opcodes()
    changed = [change for change in changes if change[0] != "equal"]
    letters = sum(max(change[2] - change[1], change[4] - change[3]) for change in changed)
    return letters <= 1 or (letters == _SWAPPED and sorted(value) == sorted(meant))
