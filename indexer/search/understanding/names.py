"""Names of the catalog that have a negator in them: "no iron", "Not Just Pajama"."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa

from indexer.retrieval import words
from indexer.search.understanding.negation import NEGATORS

__all__ = ["names_with_negators"]

# "Without" describes: what a text says to be without something is found without it all the same.
_IN_NAMES = tuple(word for word in NEGATORS if word != "without")
_PAIR = re.compile(rf"\b({'|'.join(_IN_NAMES)})\s+(\w+)", re.IGNORECASE)


def names_with_negators(columns: Iterable[pa.ChunkedArray]) -> frozenset[tuple[str, str]]:
    """Return the pairs of a negator and the word after it that texts of products have.

    Args:
        columns: Texts, of which nulls are skipped.
    """
    import pyarrow.compute as pc

    found: set[tuple[str, str]] = set()
    for column in columns:
        having = pc.match_substring_regex(column, rf"(?i)\b({'|'.join(_IN_NAMES)})\s+\w")
        for text in pc.unique(column.filter(having)).to_pylist():
            for negator, after in _PAIR.findall(text):
                found.update((negator.lower(), word) for word in words(after, query=True)[:1])
    return frozenset(found)
