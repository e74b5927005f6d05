"""The crash test, run small and large: writers killed at any moment lose nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def kill_writers(kills: int, seed: int) -> None:
    command = [
        sys.executable,
        "-m",
        "scripts.benchmarks",
        "crash",
        "--kills",
        str(kills),
        "--seed",
        str(seed),
        "--json",
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    told = json.loads(run.stdout)
    values = {measure["name"]: measure["value"] for measure in told["measures"]}
    assert values.pop("kills") == kills
    assert {"lost", "phantom", "double", "failed_opens", "embedded_again"} <= values.keys()
    assert set(values.values()) == {0}
    by_operation = told["machine"]["kills_by_operation"]
    assert all(by_operation[operation] > 0 for operation in ("build", "update", "retag", "merge"))
    assert sum(by_operation.values()) == kills


@pytest.mark.case(20)
@pytest.mark.case(21)
def test_twenty_killed_writers_lose_nothing() -> None:
    kill_writers(20, seed=1)


@pytest.mark.slow
def test_two_hundred_killed_writers_lose_nothing() -> None:
    kill_writers(200, seed=2)
