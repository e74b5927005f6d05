"""Reading of catalogs: a matrix of files with known truth.

Each cell is a file in one format, encoding, delimiter, feed, spelling of paths and of prices, whose
products are known. It must be read as these products, or be refused with the sentence that says
what was seen.

A large CSV file is read and typed, too, beside Python's own `csv.reader`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from scripts.benchmarks.catalogs import reading
from scripts.benchmarks.catalogs.cells import Cell, Shop, table_cells
from scripts.benchmarks.catalogs.feeds import feed_cells
from scripts.benchmarks.catalogs.judging import Verdict, judge
from scripts.benchmarks.catalogs.paths import path_cells
from scripts.benchmarks.catalogs.refusals import refusal_cells
from scripts.benchmarks.catalogs.shop import write_pictures
from scripts.docs.figures import Block
from scripts.support.measuring import Measure, Report

__all__ = ["add_options", "blocks", "cells_in", "measure"]

_GOOD = (Verdict.RIGHT, Verdict.REFUSED)
_LEAST_CELLS = 300
_ROWS, _QUICK_ROWS = 1_000_000, 50_000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--only", metavar="TEXT", default="", help="cells whose name has this")
    parser.add_argument("--rows", type=int, help=f"of the large file, {_ROWS:,} by default")


def blocks(_: argparse.Namespace) -> list[Block]:
    """Return no figures: every cell must be right, and no page says more."""
    return []


def cells_in(folder: Path) -> Iterator[Cell]:
    """Yield the cells of the matrix, whose files are written into a folder."""
    shop = Shop(folder / "shop", folder / "outside")
    for place in (shop.folder, shop.outside):
        write_pictures(place / "pictures")
    yield from table_cells(shop)
    yield from path_cells(shop)
    yield from feed_cells(shop)
    yield from refusal_cells(shop)


def measure(options: argparse.Namespace) -> Report:
    """Read every cell; with `--quick`, every fourth one."""
    verdicts, parts, problems = Counter[Verdict](), Counter[str](), []
    with tempfile.TemporaryDirectory() as name:
        cells = [cell for cell in cells_in(Path(name)) if options.only in _named(cell)]
        for cell in cells[:: 4 if options.quick else 1]:
            judged = judge(cell)
            verdicts[judged.verdict] += 1
            parts[cell.part] += 1
            if judged.verdict not in _GOOD:
                problems.append(f"{judged.verdict}: {_named(cell)}: {judged.difference}")
    total = verdicts.total()
    good = sum(verdicts[verdict] for verdict in _GOOD)
    least = _LEAST_CELLS if not options.quick and not options.only else None
    measures = [
        Measure("matrix_cells", total, least, note=", ".join(f"{n} {p}" for p, n in parts.items())),
        Measure("cells_right_or_refused_rightly", good / max(1, total), 1.0,
                note=f"{verdicts[Verdict.REFUSED]} refused"),
        Measure("cells_silently_wrong", verdicts[Verdict.WRONG], 0.0, "lower"),
        Measure("cells_refused_by_mistake", verdicts[Verdict.WRONGLY_REFUSED], 0.0, "lower"),
        Measure("cells_that_failed", verdicts[Verdict.FAILED], 0.0, "lower"),
    ]  # fmt: skip
    if not options.only:
        rows = options.rows or (_QUICK_ROWS if options.quick else _ROWS)
        with tempfile.TemporaryDirectory() as name:
            measures += reading.measures(Path(name), rows)
    return Report.of(measures, problems)


def _named(cell: Cell) -> str:
    return f"{cell.part}: {cell.name}"
