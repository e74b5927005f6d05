"""`scripts/bench cli`: a part that fails or is left out is reported."""

from __future__ import annotations

from collections.abc import Iterator

from scripts.benchmarks.cli import _measured
from scripts.support.measuring import Figure, Measure, NotMeasured


def part() -> Iterator[Figure]:
    yield Measure("first", 1.0)
    raise RuntimeError("the server was not ready")


def test_a_part_that_fails_keeps_what_it_has() -> None:
    assert _measured(part, ("first", "second"), None) == [
        Measure("first", 1.0),
        NotMeasured("second", "the server was not ready"),
    ]


def test_a_part_that_is_left_out_does_not_run() -> None:
    assert _measured(part, ("first", "second"), "left out") == [
        NotMeasured("first", "left out"),
        NotMeasured("second", "left out"),
    ]
