"""The matrix of catalogs: its cells are many, and each is judged by what it holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.benchmarks.catalogs.benchmark import cells_in
from scripts.benchmarks.catalogs.cells import Cell, Shop, plain_table, write_bytes
from scripts.benchmarks.catalogs.judging import Verdict, judge
from scripts.benchmarks.catalogs.shop import Truth, write_pictures
from scripts.benchmarks.catalogs.writers import TextStyle, delimited

# Cells that every run of the tests reads; `scripts/bench catalogs` reads all.
_EVERY = 12


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Cell]:
    return list(cells_in(tmp_path_factory.mktemp("matrix")))


@pytest.mark.case(10)
@pytest.mark.case(57)
@pytest.mark.case(59)
def test_cells_are_right_or_refused_with_the_right_sentence(cells: list[Cell]) -> None:
    judged = {f"{cell.part}: {cell.name}": judge(cell) for cell in cells[::_EVERY]}
    wrong = {n: j for n, j in judged.items() if j.verdict not in (Verdict.RIGHT, Verdict.REFUSED)}
    assert wrong == {}


def test_the_matrix_is_large_and_each_cell_has_a_name(cells: list[Cell]) -> None:
    names = Counter((cell.part, cell.name) for cell in cells)
    assert [name for name, count in names.items() if count > 1] == []
    assert len(cells) >= 300
    assert sum(bool(cell.truth.sentence or cell.truth.refused) for cell in cells) >= 100


def test_what_is_read_otherwise_is_found(tmp_path: Path) -> None:
    shop = Shop(tmp_path, tmp_path)
    write_pictures(tmp_path / "pictures")
    sheet, truth = plain_table()
    data = delimited(sheet, TextStyle())

    def verdict(data: bytes, truth: Truth) -> Verdict:
        return judge(Cell("", "", write_bytes(shop, data, "csv"), truth)).verdict

    assert verdict(data, truth) is Verdict.RIGHT
    first = truth.products[0]
    for other in (
        replace(first, id="other"),
        replace(first, images=("p12.jpeg",)),
        replace(first, fields={"price": 1.5}),
        replace(first, fields={"on sale": 1}),
    ):
        assert verdict(data, Truth((other, *truth.products[1:]))) is Verdict.WRONG
    assert verdict(data, Truth(truth.products[1:])) is Verdict.WRONG
    assert verdict(data, Truth(sentence="is empty")) is Verdict.WRONG
    assert verdict(b"", Truth(sentence="is empty")) is Verdict.REFUSED
    assert verdict(b"", truth) is Verdict.WRONGLY_REFUSED
    assert verdict(b"", Truth(sentence="has no rows")) is Verdict.WRONGLY_REFUSED
    missing = data.replace(b"pictures/p01.png", b"pictures/none.png")
    assert verdict(missing, truth) is Verdict.WRONGLY_REFUSED
    assert verdict(missing, Truth(truth.products[1:], ("image_not_found",))) is Verdict.RIGHT
    assert verdict(data, Truth(truth.products[1:], ("image_not_found",))) is Verdict.WRONG
