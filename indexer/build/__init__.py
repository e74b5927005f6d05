"""Building an index: catalog rows in, one published generation out."""

from __future__ import annotations

from indexer.build.build import BuildOptions, BuildProgress, BuildReport, build_index
from indexer.build.merge import MergeReport, merge
from indexer.build.retag import RetagReport, retag
from indexer.build.title_mix import mixed
from indexer.build.update import stored_products

__all__ = [
    "BuildOptions",
    "BuildProgress",
    "BuildReport",
    "MergeReport",
    "RetagReport",
    "build_index",
    "merge",
    "mixed",
    "retag",
    "stored_products",
]
