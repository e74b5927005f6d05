"""Building an index: catalog rows in, one published generation out."""

from __future__ import annotations

from indexer.build.build import build_index
from indexer.build.images import release
from indexer.build.merge import MergeReport, merge
from indexer.build.options import BuildOptions
from indexer.build.reporting import BuildProgress, BuildReport
from indexer.build.retag import RetagReport, retag
from indexer.build.texts import DEFAULT_TEXT_WEIGHT, AdaptReport, adapt, mix_vectors
from indexer.build.update import stored_products

__all__ = [
    "DEFAULT_TEXT_WEIGHT",
    "AdaptReport",
    "BuildOptions",
    "BuildProgress",
    "BuildReport",
    "MergeReport",
    "RetagReport",
    "adapt",
    "build_index",
    "merge",
    "mix_vectors",
    "release",
    "retag",
    "stored_products",
]
