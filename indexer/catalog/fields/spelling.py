"""Spelling of names: those that are nearest to one that does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

__all__ = ["nearest_first"]


def nearest_first(given: str, known: Iterable[str]) -> list[str]:
    """Return names in the order of their likeness to a given one; case does not matter.

    Names that are about equally unlike stay in their order. The likeness is that of Ratcliff and
    Obershelp (`difflib`), by tenths; below a half it is chance.
    """
    wanted = given[:100].casefold()

    def unlikeness(name: str) -> int:
        likeness = SequenceMatcher(None, wanted, name.casefold()).ratio()
        return -round(10 * likeness) if likeness >= 0.5 else 0  # noqa: PLR2004

    return sorted(known, key=unlikeness)
