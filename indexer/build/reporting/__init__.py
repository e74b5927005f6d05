"""What a build tells about itself: counters, progress, report, quarantine, stages."""

from __future__ import annotations

from indexer.build.reporting.quarantine import odd_rows, write_quarantine
from indexer.build.reporting.report import BuildProgress, BuildReport, Counts
from indexer.build.reporting.stages import Stage, StageClock

__all__ = [
    "BuildProgress",
    "BuildReport",
    "Counts",
    "Stage",
    "StageClock",
    "odd_rows",
    "write_quarantine",
]
