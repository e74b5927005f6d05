"""Lessons: what a catalog teaches, and which of its fields are worth learning from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.catalog import without_markup

__all__ = ["Lessons", "group_products", "kind_fields", "plain", "titles_teach"]

# Fields that are learned from beside the title.
_MOST_FIELDS = 3
# A field names kinds if so many products have a value, if at least this share of its values is had
# by so many products, and if its values have no more words than this on average.
_COVERAGE = 0.5
_SHARE = 0.5
_SHARED_BY = 3
_MAX_WORDS = 6
# Shares of values that have to be words, and not codes or addresses; and of titles that have to
# differ: fewer are a kind at best.
_WORDY = 0.5
_LEAST_TITLES = 20
_DISTINCT_TITLES = 0.05
_NO_VALUE = frozenset({"na", "n/a", "nan", "none", "null", "unknown", "other", "others", "-"})
# Words in the names of fields, the most telling first; of two fields with the same word, the one
# with more values says more.
_NAMES = (
    frozenset({"type", "category", "kind", "class", "group", "kategorie", "categorie", "tipo"}),
    frozenset({"colour", "color", "farbe", "couleur", "colore"}),
    frozenset({"brand", "vendor", "manufacturer", "maker", "marke", "marque"}),
    frozenset({"material", "pattern", "style", "shape"}),
)


@dataclass(frozen=True)
class Lessons:
    """Products to learn from, one row for each.

    Attributes:
        vectors: `[n, dim]` unit vectors of their first images, by the model.
        features: `[n, width]` the features of the same images.
        titles: Their titles, as `plain` gives them; empty for none.
        kinds: By field, the value of each product, as `plain` gives it.
        groups: `[n]` numbers of groups that are learned from or judged on as a whole.
        colours: Names of the colours that were measured most of in the images; empty where unknown.
    """

    vectors: NDArray[np.float16]
    features: NDArray[np.float16]
    titles: Sequence[str]
    kinds: Mapping[str, Sequence[str]]
    groups: NDArray[np.int64]
    colours: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.vectors)


def plain(value: object) -> str:
    """Return a field's value as words to learn, in lower case and without markup; or empty."""
    if not isinstance(value, str):
        return ""
    words = " ".join(without_markup(value).split()).lower()
    return "" if words in _NO_VALUE else words


def kind_fields(columns: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the fields whose values name kinds of products, the most telling first; at most three.

    Args:
        columns: By field, the value of each product, as `plain` gives it.
    """
    named = [name for name, values in columns.items() if _names_kinds(values)]
    ranked = sorted(named, key=lambda name: (_telling(name), -len(set(columns[name])), name))
    # Of several that mean the same by their names, one: `master_category`, `sub_category`. Fields
    # whose names say nothing, such as a season, teach less than they disturb.
    first: dict[int, str] = {}
    for name in ranked:
        first.setdefault(_telling(name), name)
    telling = [name for place, name in first.items() if place < len(_NAMES)]
    return tuple(telling[:_MOST_FIELDS] or ranked[:1])


def titles_teach(titles: Sequence[str]) -> bool:
    """Return whether titles are words that tell products apart."""
    given = [title for title in titles if title]
    distinct = len(set(given))
    return (
        len(given) >= _COVERAGE * len(titles)
        and distinct >= max(_LEAST_TITLES, _DISTINCT_TITLES * len(given))
        and sum(map(_is_wordy, given)) >= _WORDY * len(given)
    )


def group_products(*keys: Sequence[str]) -> NDArray[np.int64]:
    """Number the groups of products that share any key, `[n]`.

    Args:
        keys: Sequences with a key of each product, such as its title, the hash of its image or the
            id of its variants; empty for none.
    """
    count = len(keys[0])
    leaders = list(range(count))

    def leader(row: int) -> int:
        while leaders[row] != row:
            leaders[row] = leaders[leaders[row]]
            row = leaders[row]
        return row

    for column in keys:
        first: dict[str, int] = {}
        for row, key in enumerate(column):
            if key:
                one, other = leader(row), leader(first.setdefault(key, row))
                leaders[max(one, other)] = min(one, other)
    return np.array([leader(row) for row in range(count)], np.int64)


def _names_kinds(values: Sequence[str]) -> bool:
    counts = Counter(value for value in values if value)
    shared = sum(count for count in counts.values() if count >= _SHARED_BY)
    words = [len(value.split()) for value in counts]
    return (
        len(counts) > 1
        and counts.total() >= _COVERAGE * len(values)
        and shared >= _SHARE * counts.total()
        and sum(map(_is_wordy, counts)) >= _WORDY * len(counts)
        and float(np.mean(words)) <= _MAX_WORDS
    )


def _telling(name: str) -> int:
    """Return the place of a field's name among `_NAMES`; their number if it is not there."""
    words = set(re.split(r"[^a-z]+", name.lower()))
    return next((place for place, known in enumerate(_NAMES) if known & words), len(_NAMES))


def _is_wordy(value: str) -> bool:
    """Return whether a value is words, and not a code, number or address."""
    return "://" not in value and re.search(r"(?<![\w-])[^\W\d_]{3,}(?![\w-])", value) is not None
