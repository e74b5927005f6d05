"""Tables of figures in docs pages: listings, grids, and where they come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.benchmarks.registry import FRONT
from scripts.docs.figures import Block, Grid, Listing, write_figures
from scripts.docs.marked_blocks import read_block
from scripts.support.front import ROOT, Command, option_parser
from scripts.support.measuring import Measure, NotMeasured, Report

MACHINE = {"cpu_count": 2, "processor": "EPYC"}
MEASURES = {
    measure.name: measure
    for measure in [
        Measure("title_mrr", 0.25, 0.3, interval=(0.2, 0.3)),
        Measure("title_ms", 12.5, 20.0, "lower"),
        Measure("half_mrr", 0.125),
    ]
}


def test_a_listing_shows_values_and_targets() -> None:
    assert Listing().lines(MEASURES) == [
        "| measure | value | target |",
        "| --- | --- | --- |",
        "| title mrr | 0.250 (0.200 to 0.300), missed | at least 0.3 |",
        "| title ms | 12.5 | at most 20 |",
        "| half mrr | 0.125 | - |",
    ]


def test_a_listing_of_some_rows_leaves_out_what_was_not_measured() -> None:
    rows = {"half_mrr": "half a title", "third_mrr": "a third of a title"}
    assert Listing(rows).lines(MEASURES) == [
        "| measure | value |",
        "| --- | --- |",
        "| half a title | 0.125 |",
    ]


def test_a_grid_takes_each_cell_from_its_measure() -> None:
    grid = Grid("{row}_{column}", {"title": "title", "half": "half"}, {"mrr": "MRR", "ms": "ms"})
    assert grid.lines(MEASURES) == [
        "|  | MRR | ms |",
        "| --- | --- | --- |",
        "| title | 0.250 (0.200 to 0.300), missed | 12.5 |",
        "| half | 0.125 | - |",
    ]


def test_figures_are_written_with_their_origin(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n<!-- bench -->\n| old |\n<!-- end of bench -->\n\nWords.\n", "utf-8")
    report = Report.of([MEASURES["half_mrr"], NotMeasured("gpu", "there is none")], quick=True)
    block = Block("page.md", "bench", (Listing(),))
    assert write_figures([block], report, MACHINE, tmp_path) == [page]
    assert page.read_text("utf-8") == (
        "# Page\n\n<!-- bench -->\n"
        "| measure | value |\n| --- | --- |\n| half mrr | 0.125 |\n\n"
        "*Measured on 2 cores of EPYC; a short run (`--quick`); not measured: gpu (there is none).*"
        "\n<!-- end of bench -->\n\nWords.\n"
    )
    assert write_figures([block], report, MACHINE, tmp_path) == []


@pytest.mark.parametrize("command", FRONT.commands, ids=lambda command: command.name)
def test_every_page_has_the_marks_of_its_benchmarks(command: Command) -> None:
    module = command.load()
    parser = option_parser(FRONT, command, "")
    module.add_options(parser)
    for block in module.blocks(parser.parse_args([])):
        assert read_block(ROOT / block.page, block.command)
