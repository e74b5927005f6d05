"""Tags: taxonomies of labels, and which of them an image is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from indexer.tagging.examples import ExampleReport, read_examples
    from indexer.tagging.fit_file import Fitted, read_fitted, shipped_fit, write_fitted
    from indexer.tagging.marks import marks_of_values, right_labels
    from indexer.tagging.tagger import GroupScores, Tagger, parents_of
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "indexer.tagging.examples": (
                "ExampleReport",
                "read_examples",
            ),
            "indexer.tagging.fit_file": (
                "Fitted",
                "read_fitted",
                "shipped_fit",
                "write_fitted",
            ),
            "indexer.tagging.marks": (
                "marks_of_values",
                "right_labels",
            ),
            "indexer.tagging.tagger": (
                "GroupScores",
                "Tagger",
                "parents_of",
            ),
        },
    )

__all__ = [
    "ExampleReport",
    "Fitted",
    "GroupScores",
    "Tagger",
    "marks_of_values",
    "parents_of",
    "read_examples",
    "read_fitted",
    "right_labels",
    "shipped_fit",
    "write_fitted",
]
