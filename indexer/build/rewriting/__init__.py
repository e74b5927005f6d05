"""Rewriting of what an index holds, without its catalog: merge, and other tags."""

from __future__ import annotations

from indexer.build.rewriting.merge import MergeReport, kept_features, merge
from indexer.build.rewriting.retag import RetagReport, retag

__all__ = ["MergeReport", "RetagReport", "kept_features", "merge", "retag"]
