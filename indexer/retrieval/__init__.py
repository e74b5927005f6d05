"""Candidate retrieval in one segment: FAISS vectors, BM25 keywords, field filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from indexer.retrieval.ann import (
        NeighbourIndex,
        NeighbourOptions,
        build_neighbours,
        exact_neighbours,
        write_neighbours,
    )
    from indexer.retrieval.batch_search import BatchSearch
    from indexer.retrieval.bm25 import KeywordIndex, KeywordWriter, Term, idf
    from indexer.retrieval.cancellation import cancelled_by, checkpoint
    from indexer.retrieval.completion import Completion, CompletionKind, Completions
    from indexer.retrieval.filter_columns import Columns
    from indexer.retrieval.filter_fields import without_field
    from indexer.retrieval.filters import (
        And,
        Exists,
        HasColour,
        HasWords,
        Not,
        Predicate,
        check_breadth,
        evaluate,
        parse_filter,
    )
    from indexer.retrieval.tokens import code_of, codes, words
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "indexer.retrieval.ann": (
                "NeighbourIndex",
                "NeighbourOptions",
                "build_neighbours",
                "exact_neighbours",
                "write_neighbours",
            ),
            "indexer.retrieval.batch_search": ("BatchSearch",),
            "indexer.retrieval.bm25": (
                "KeywordIndex",
                "KeywordWriter",
                "Term",
                "idf",
            ),
            "indexer.retrieval.cancellation": ("cancelled_by", "checkpoint"),
            "indexer.retrieval.completion": ("Completion", "CompletionKind", "Completions"),
            "indexer.retrieval.filter_columns": ("Columns",),
            "indexer.retrieval.filter_fields": ("without_field",),
            "indexer.retrieval.filters": (
                "And",
                "Exists",
                "HasColour",
                "HasWords",
                "Not",
                "Predicate",
                "check_breadth",
                "evaluate",
                "parse_filter",
            ),
            "indexer.retrieval.tokens": (
                "code_of",
                "codes",
                "words",
            ),
        },
    )

__all__ = [
    "And",
    "BatchSearch",
    "Columns",
    "Completion",
    "CompletionKind",
    "Completions",
    "Exists",
    "HasColour",
    "HasWords",
    "KeywordIndex",
    "KeywordWriter",
    "NeighbourIndex",
    "NeighbourOptions",
    "Not",
    "Predicate",
    "Term",
    "build_neighbours",
    "cancelled_by",
    "check_breadth",
    "checkpoint",
    "code_of",
    "codes",
    "evaluate",
    "exact_neighbours",
    "idf",
    "parse_filter",
    "without_field",
    "words",
    "write_neighbours",
]
