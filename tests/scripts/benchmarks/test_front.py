"""`scripts/bench` and `scripts/train`: names, options, and the shape of what they print."""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from scripts.benchmarks import __main__ as bench
from scripts.benchmarks import registry
from scripts.docs.figures import Block
from scripts.support.front import ROOT, Command, Front
from scripts.support.measuring import Measure, NotMeasured, Report
from scripts.training import __main__ as train

BENCHMARKS = [command.name for command in registry.FRONT.commands]
TRAININGS = [command.name for command in train.FRONT.commands]
FRONTS = [(bench.main, registry.FRONT), (train.main, train.FRONT)]

Main = Callable[[list[str]], int]


def test_names_are_those_that_users_know() -> None:
    assert BENCHMARKS == [
        "build",
        "cli",
        "api",
        "attack",
        "index",
        "catalogs",
        "crash",
        "search",
        "colours",
        "tags",
        "adapt",
        "vision",
        "compact",
    ]
    assert TRAININGS == ["compact", "colours", "tags", "detectors"]


@pytest.mark.parametrize(("main", "front"), FRONTS)
def test_the_list_has_a_line_for_each_name(
    main: Main, front: Front, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--list"])
    assert ended.value.code == 0
    lines = [re.split(" {2,}", line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [[command.name, command.about] for command in front.commands]
    assert all(about for _, about in lines)


@pytest.mark.parametrize(("main", "front"), FRONTS)
def test_an_unknown_name_gets_one_line_and_exit_code_2(
    main: Main, front: Front, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["holograms", "--json"])
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"{front.program}: there is no 'holograms'. `{front.program} --list` shows the names.\n"
    )


@pytest.mark.parametrize(("main", "front"), FRONTS)
def test_no_name_gets_the_usage(
    main: Main, front: Front, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"usage: {front.program} NAME")


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_has_help_and_the_shared_options(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main([name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: scripts/bench {name} ")
    for option in ("--data", "--cache", "--json", "--quick", "--docs"):
        assert option in text


@pytest.mark.parametrize("name", TRAININGS)
def test_every_training_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        train.main([name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: scripts/train {name} ")
    assert "--data" in text


@pytest.mark.parametrize("name", ["build", "search", "colours", "tags", "api", "index"])
def test_missing_catalogs_are_a_usage_error(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        bench.main([name, "--data", str(tmp_path)])
    assert ended.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith(
        f"the shared catalogs are not in {tmp_path}. Name their folder with --data."
    )


@pytest.mark.parametrize("name", ["bench", "train"])
def test_the_scripts_start_modules_that_exist(name: str) -> None:
    script = ROOT / "scripts" / name
    assert os.access(script, os.X_OK)
    started = re.search(
        r'^exec \.venv/bin/python -m (\S+) "\$@"$', script.read_text(), re.MULTILINE
    )
    assert started is not None
    assert find_spec(f"{started[1]}.__main__") is not None


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> list[Report]:
    """A front whose one benchmark, `fake`, returns the report that a test puts into the list."""
    reports: list[Report] = []
    module = ModuleType("fake")

    def add_options(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--size", type=int, default=3)

    vars(module).update(
        add_options=add_options,
        measure=lambda options: reports[0],
        blocks=lambda options: [Block("page.md", "bench fake")],
    )
    monkeypatch.setattr(Command, "load", lambda self: module)
    command = Command("fake", "a fake one", "fake", needs_catalogs=False)
    monkeypatch.setattr(bench, "FRONT", Front("scripts/bench", "Measure.", (command,)))
    return reports


REPORT = Report.of(
    [
        Measure("recall", 0.75, 0.8, interval=(0.7, 0.8), note="40 queries"),
        Measure("ms", 12.5, 20.0, "lower"),
        Measure("rows", 1000.0),
        NotMeasured("latency_vs_usearch", "usearch is not installed"),
        Measure("silence", float("nan"), 0.5),
    ],
    ["one problem"],
    rows=1000,
)


def test_json_has_the_documented_shape(
    fake: list[Report], capsys: pytest.CaptureFixture[str]
) -> None:
    fake.append(REPORT)
    assert bench.main(["fake", "--json", "--quick", "--size", "4"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert list(found) == ["measures", "machine", "not_measured"]
    assert found["measures"] == [
        {
            "name": "recall", "value": 0.75, "target": 0.8, "better": "higher", "ok": False,
            "interval": [0.7, 0.8], "note": "40 queries",
        },
        {"name": "ms", "value": 12.5, "target": 20.0, "better": "lower", "ok": True},
        {"name": "rows", "value": 1000.0, "target": None, "better": "higher", "ok": None},
    ]  # fmt: skip
    assert found["not_measured"] == [
        {"name": "latency_vs_usearch", "reason": "usearch is not installed"},
        {"name": "silence", "reason": "nothing to measure it by"},
    ]
    assert found["machine"]["quick"] is True
    assert found["machine"]["rows"] == 1000
    assert found["machine"]["cpu_count"] == os.cpu_count()
    assert captured.err == "one problem\n"


def test_the_table_says_what_missed_and_what_was_not_measured(
    fake: list[Report], capsys: pytest.CaptureFixture[str]
) -> None:
    fake.append(REPORT)
    assert bench.main(["fake"]) == 0
    lines = [re.sub(" +", " ", line) for line in capsys.readouterr().out.splitlines()]
    assert lines[:6] == [
        "measure value target",
        "recall 0.750 0.800 missed (95% 0.700 to 0.800; 40 queries)",
        "ms 12.5 20 reached",
        "rows 1,000 -",
        "latency_vs_usearch not measured: usearch is not installed",
        "silence not measured: nothing to measure it by",
    ]
    assert "quick: False" in lines[6]


@pytest.mark.parametrize(("value", "code"), [(0.0, 0), (1.0, 1)])
def test_a_benchmark_that_must_pass_ends_with_1_where_it_does_not(
    fake: list[Report], monkeypatch: pytest.MonkeyPatch, value: float, code: int
) -> None:
    monkeypatch.setattr(bench, "MUST_PASS", frozenset({"fake"}))
    fake.append(Report.of([Measure("lost", value, 0.0, "lower")]))
    assert bench.main(["fake", "--json"]) == code
