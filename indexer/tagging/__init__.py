"""Tags: taxonomies of labels, and which of them a picture's vector is given."""

from __future__ import annotations

from indexer.tagging.examples import ExampleReport, marks_of_values, read_examples
from indexer.tagging.fit_file import Fitted, read_fitted, shipped_fit, write_fitted
from indexer.tagging.tagger import GroupScores, Tagger, parents_of

__all__ = [
    "ExampleReport",
    "Fitted",
    "GroupScores",
    "Tagger",
    "marks_of_values",
    "parents_of",
    "read_examples",
    "read_fitted",
    "shipped_fit",
    "write_fitted",
]
