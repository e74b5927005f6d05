"""Terminal output of the `lookalike` command: messages, progress bars, tables."""

from __future__ import annotations

from search_api.console.console import (
    error,
    fail,
    for_terminal,
    note,
    print_json,
    say,
    waiting,
)
from search_api.console.evaluation import print_evaluation
from search_api.console.inspection import print_inspection
from search_api.console.progress import BuildBar, QueryBar, StepBar
from search_api.console.quarantine import print_quarantine
from search_api.console.tables import (
    print_adapt,
    print_build,
    print_duplicates,
    print_examples,
    print_facts,
    print_generations,
    print_grouped_tags,
    print_hits,
    print_merge,
    print_models,
    print_retag,
    print_tags,
)

__all__ = [
    "BuildBar",
    "QueryBar",
    "StepBar",
    "error",
    "fail",
    "for_terminal",
    "note",
    "print_adapt",
    "print_build",
    "print_duplicates",
    "print_evaluation",
    "print_examples",
    "print_facts",
    "print_generations",
    "print_grouped_tags",
    "print_hits",
    "print_inspection",
    "print_json",
    "print_merge",
    "print_models",
    "print_quarantine",
    "print_retag",
    "print_tags",
    "say",
    "waiting",
]
