"""`scripts/bench build`: a part that fails or takes too long leaves the others alone."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.benchmarks.build import benchmark
from scripts.benchmarks.build.benchmark import PARTS, Part, measure_parts
from scripts.benchmarks.build.setup import QUICK, Setup
from scripts.support.measuring import Figure, Measure, NotMeasured


def setup(folder: Path) -> Setup:
    return Setup(folder, folder, folder, folder, QUICK)


def test_what_a_failing_part_measured_stays_and_the_rest_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(_: Setup) -> Iterator[Figure]:
        yield Measure("first", 1.0)
        raise RuntimeError("no runtime")

    monkeypatch.setitem(PARTS, "vectors", Part(fails, {"first": "", "second": ""}))
    monkeypatch.setitem(PARTS, "large_jpeg", Part(lambda _: iter([Measure("third", 3.0)]), {}))
    assert measure_parts(setup(tmp_path), ["vectors", "large_jpeg"]) == [
        Measure("first", 1.0),
        NotMeasured("second", "RuntimeError: no runtime"),
        Measure("third", 3.0),
    ]


def test_a_part_ends_at_its_time_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def never_ends(_: Setup) -> Iterator[Figure]:
        yield Measure("first", 1.0)
        while True:
            signal.pause()

    monkeypatch.setattr(benchmark, "_MOST_SECONDS", 0.05)
    monkeypatch.setitem(PARTS, "vectors", Part(never_ends, {"first": "", "second": ""}))
    assert measure_parts(setup(tmp_path), ["vectors"]) == [
        Measure("first", 1.0),
        NotMeasured("second", "RuntimeError: the part took longer than 0 s"),
    ]
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
