"""Understanding of a query's text: what is wanted, and what is not."""

from __future__ import annotations

from indexer.search.understanding.forms import without_words, words_pattern
from indexer.search.understanding.names import names_with_negators
from indexer.search.understanding.negation import NEGATORS, Reading, has_negation, read_negation
from indexer.search.understanding.understood import Parse, Understood

__all__ = [
    "NEGATORS",
    "Parse",
    "Reading",
    "Understood",
    "has_negation",
    "names_with_negators",
    "read_negation",
    "without_words",
    "words_pattern",
]
