"""The bound of a build by its stages."""

from __future__ import annotations

import pytest

from scripts.benchmarks.build.end_to_end import BOUND_TARGETS, bound
from scripts.benchmarks.build.setup import FULL, QUICK


def test_two_stages_on_the_same_cores_add_their_times() -> None:
    assert bound(600.0, 1000.0) == pytest.approx(375.0)
    assert bound(1e12, 1000.0) == pytest.approx(1000.0)


def test_targets_are_those_of_builds_that_are_measured() -> None:
    assert set(BOUND_TARGETS) <= set(FULL.pictures) == set(QUICK.pictures)
