"""Whole processes side by side: medians of turns, and programs that fail."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.benchmarks.build.peers.commands import PEERS, Task
from scripts.benchmarks.build.peers.comparison import INDEX_TARGETS, medians


def program(code: str, *fresh: Path) -> Task:
    return Task([sys.executable, "-c", code], fresh)


def test_a_program_that_fails_has_its_reason_and_the_others_their_times(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    code = f"open({str(runs)!r}, 'a').write('x')"
    tasks = {"right": program(code), "wrong": program("raise SystemExit('no such model')")}
    found = medians(tasks, 3)
    assert isinstance(found["right"], float)
    assert found["wrong"] == "exit code 1: no such model"
    assert runs.read_text() == "xxx"


def test_what_a_run_left_is_gone_before_the_next(tmp_path: Path) -> None:
    file, folder = tmp_path / "db", tmp_path / "index"
    code = (
        f"import os, pathlib; assert not os.path.exists({str(file)!r})\n"
        f"os.mkdir({str(folder)!r}); pathlib.Path({str(file)!r}).touch()"
    )
    found = medians({"index": program(code, file, folder)}, 2)
    assert isinstance(found["index"], float), found


def test_every_peer_has_its_row() -> None:
    assert set(INDEX_TARGETS) == set(PEERS)
