"""Building an index: catalog rows in, one published generation out."""

from __future__ import annotations

from indexer.build.build import build_index
from indexer.build.images import read_released, release, unsafe_reason
from indexer.build.options import BuildOptions
from indexer.build.reporting import BuildProgress, BuildReport
from indexer.build.rewriting import MergeReport, RetagReport, merge, retag
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
    "read_released",
    "release",
    "retag",
    "stored_products",
    "unsafe_reason",
]
