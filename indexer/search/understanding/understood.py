"""How a query's text was read, as answers show it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Parse", "Understood"]


class Parse(StrEnum):
    """What is done with the words of a text beyond searching for them."""

    OFF = "off"
    """Nothing: a text is searched for as it is."""
    SHOW = "show"
    """Excluded words are left out of the hits; the answer shows how the text was read."""


@dataclass(frozen=True)
class Understood:
    """How the texts of a query were read.

    Attributes:
        kept: What is searched for; empty if the text only excludes.
        excluded: Words and phrases that hits should not have.
    """

    kept: str
    excluded: tuple[str, ...] = ()
