"""Whole commands against the clock: the best of turns, and commands that fail."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts.benchmarks.start_up import commands as module
from scripts.benchmarks.start_up.commands import SEARCH, best_in_turns, commands
from scripts.support.measuring import Measure, NotMeasured


def test_commands_take_turns_after_one_to_warm_up(tmp_path: Path) -> None:
    log = tmp_path / "log"
    tasks = {name: ["sh", "-c", f"printf {name} >> '{log}'"] for name in "ab"}
    found = best_in_turns(tasks, 2)
    assert log.read_text() == "ababab"
    assert all(isinstance(each, float) and each < 60 for each in found.values())


def test_a_command_that_fails_runs_once_and_says_why(tmp_path: Path) -> None:
    log = tmp_path / "log"
    failing = ["sh", "-c", f"printf x >> '{log}'; echo no torch >&2; exit 1"]
    found = best_in_turns({"fails": failing, "works": [sys.executable, "-c", ""]}, 2)
    assert found["fails"] == "exit code 1: no torch"
    assert isinstance(found["works"], float)
    assert log.read_text() == "x"


def test_a_search_is_compared_with_numpy_and_one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds: dict[str, float | str] = {
        "help": 0.2,
        "search": 1.3,
        "keyword_search": 0.8,
        "import_numpy": 0.3,
        "import_torch_open_clip": "exit code 1: no torch",
    }
    monkeypatch.setattr(module, "best_in_turns", lambda tasks, repeats: seconds)
    found = {each.name: each for each in commands(Path("index"), 1)}
    assert found[SEARCH] == Measure(SEARCH, 1.0, 1.0, "lower")
    name = "search_process_to_imports_ratio"
    assert found[name] == NotMeasured(name, "exit code 1: no torch")
