"""Measured figures: what every benchmark and evaluation reports, and on which machine."""

from __future__ import annotations

import math
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = ["Figure", "Measure", "NotMeasured", "Report", "machine"]

# How many bytes are a gibibyte.
_GIB = 2**30
# Standard deviations on each side of the mean that hold 95% of a normal distribution.
_NORMAL_95 = 1.96


@dataclass(frozen=True)
class Measure:
    """One figure that was measured.

    Attributes:
        name: The name that the table of targets gives it.
        value: In the unit that the name tells, a share where it tells none.
        target: The value to reach, if any.
        better: Whether higher or lower values are better.
        interval: Bounds of the 95% confidence interval, where one is known.
        note: What else a reader should know.
    """

    name: str
    value: float
    target: float | None = None
    better: Literal["higher", "lower"] = "higher"
    interval: tuple[float, float] | None = None
    note: str | None = None

    @classmethod
    def mean(cls, name: str, values: Sequence[float], target: float | None = None) -> Measure:
        """Return the mean of shares from 0 to 1, with its interval by the normal distribution."""
        mean, half = statistics.fmean(values), 0.0
        if len(values) > 1:
            half = _NORMAL_95 * statistics.stdev(values) / len(values) ** 0.5
        return cls(name, mean, target, interval=(max(0.0, mean - half), min(1.0, mean + half)))

    @property
    def ok(self) -> bool | None:
        """Whether the target is reached; None without a target."""
        if self.target is None:
            return None
        return self.value >= self.target if self.better == "higher" else self.value <= self.target


@dataclass(frozen=True)
class NotMeasured:
    """A figure that could not be measured here, and why."""

    name: str
    reason: str


Figure = Measure | NotMeasured


@dataclass(frozen=True)
class Report:
    """What one benchmark found.

    Attributes:
        measures: Figures that were measured.
        not_measured: Figures that could not be.
        about: What else the figures depend on: sizes, seeds, the model's precision.
        problems: What went wrong, for people; printed to standard error.
    """

    measures: Sequence[Measure]
    not_measured: Sequence[NotMeasured] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    problems: Sequence[str] = ()

    @classmethod
    def of(cls, figures: Iterable[Figure], problems: Sequence[str] = (), **about: Any) -> Report:
        """Sort figures into those that were measured and those that were not (also NaN)."""
        measures: list[Measure] = []
        missing: list[NotMeasured] = []
        for figure in figures:
            if isinstance(figure, NotMeasured):
                missing.append(figure)
            elif math.isnan(figure.value):
                missing.append(NotMeasured(figure.name, "nothing to measure it by"))
            else:
                measures.append(figure)
        return cls(measures, missing, about, problems)


def machine() -> dict[str, Any]:
    """Describe this machine: processor, cores, memory and Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cpu_count": os.cpu_count(),
        "memory_gib": round(memory / _GIB, 1),
        "python": platform.python_version(),
    }


def _processor() -> str:
    """Return the processor's name as Linux knows it, elsewhere its architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
