"""Dates: every usual form becomes ISO 8601, and the column decides what a cell can't."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.catalog import FieldType, FieldTyper, date_operand, to_batch
from indexer.catalog.fields.dates import is_iso_date, written_date

DATE, TEXT = FieldType.DATE, FieldType.TEXT


def typer_of(*cells: str, **options: object) -> FieldTyper:
    typer = FieldTyper(parse_text=True, **options)  # type: ignore[arg-type]
    for line, cell in enumerate(cells, start=2):
        typer.observe({"x": cell}, line, str(line))
    return typer


def stored(*cells: str, **options: object) -> list[object]:
    typer = typer_of(*cells, **options)
    rows = [typer.cleaned({"x": cell}, typer.types()) for cell in cells]
    values: list[object] = to_batch(rows, typer.types()).column("x").to_pylist()
    return values


@pytest.mark.parametrize(
    ("cell", "iso"),
    [
        ("2026-03-31", "2026-03-31"),
        ("2026/3/31", "2026-03-31"),
        ("31.03.2026", "2026-03-31"),
        ("31.3.2026", "2026-03-31"),
        ("31.03.26", "2026-03-31"),
        ("31/03/2026", "2026-03-31"),
        ("03/31/2026", "2026-03-31"),
        ("31-03-2026", "2026-03-31"),
        ("31 March 2026", "2026-03-31"),
        ("Mar 31, 2026", "2026-03-31"),
        ("March 31st, 2026", "2026-03-31"),
        ("31-Mar-2026", "2026-03-31"),
        ("31. M\u00e4rz 2026", "2026-03-31"),
        ("31 mars 2026", "2026-03-31"),
        ("31 de marzo de 2026", "2026-03-31"),
        ("Tue, 31 Mar 2026 14:30:00 +0200", "2026-03-31T12:30:00Z"),
        ("2026-03-31T14:30", "2026-03-31T14:30:00"),
        ("2026-03-31 14:30:05", "2026-03-31T14:30:05"),
        ("2026-03-31T23:30:00-02:00", "2026-04-01T01:30:00Z"),
        ("2026-03-31T14:30:05.250Z", "2026-03-31T14:30:05.250000Z"),
        ("31.03.2026 14:30 Uhr", "2026-03-31T14:30:00"),
        ("31.03.2026, 14:30", "2026-03-31T14:30:00"),
        ("3/31/2026 2:30 PM", "2026-03-31T14:30:00"),
        ("3/31/2026 12:05 am", "2026-03-31T00:05:00"),
    ],
)
def test_every_usual_form(cell: str, iso: str) -> None:
    assert stored(cell) == [iso]
    assert typer_of(cell).types() == {"x": DATE}
    assert is_iso_date(iso)


@pytest.mark.parametrize(
    "cell",
    ["31.02.2026", "2026-13-01", "1.2.24", "1.2.3", "12/2026", "31.03.", "Q1 2026",
     "10-20-30", "2026-03-31 25:00", "13:45 PM 2026", "31 Foo 2026", "0000-00-00", "99/99/9999",
     "192.168.2026.1", "size 2026-03-31"],
)  # fmt: skip
def test_what_is_no_date_stays_as_written(cell: str) -> None:
    assert typer_of(cell).types() == {"x": TEXT}
    assert stored(cell) == [cell]


@pytest.mark.parametrize(
    ("cells", "isos"),
    [
        (["03/04/2026", "31/03/2026"], ["2026-04-03", "2026-03-31"]),
        (["03/04/2026", "03/31/2026"], ["2026-03-04", "2026-03-31"]),
        (["3-4-2026", "3-31-2026"], ["2026-03-04", "2026-03-31"]),
        (["03/04/2026"], ["2026-04-03"]),
        (["03.04.2026", "03/31/2026"], ["2026-04-03", "2026-03-31"]),
        (["31/03/2026", "03/31/2026"], ["31/03/2026", "03/31/2026"]),
    ],
)
def test_the_column_decides_which_number_is_the_day(cells: list[str], isos: list[str]) -> None:
    assert stored(*cells) == isos


def test_a_guess_of_the_order_is_said() -> None:
    (note,) = typer_of("03/04/2026").notes()
    assert "read with the day first (line 2: '03/04/2026'); --types x=text" in note
    assert typer_of("03/04/2026", "13/04/2026").notes() == []


def test_one_date_in_another_order_or_none_is_set_aside() -> None:
    cells = [*["31/03/2026"] * 200, "03/31/2026", "soon"]
    typer = typer_of(*cells)
    assert typer.types() == {"x": DATE}
    assert sorted(odd.value for odd in typer.odd_values()) == ["03/31/2026", "soon"]
    assert stored(*cells)[-3:] == ["2026-03-31", None, None]
    assert "2 of 202 values do not fit" in typer.notes()[0]


def test_texts_of_before_stay_as_written() -> None:
    former = {"x": TEXT}
    assert stored("31.03.2026", former=former) == ["31.03.2026"]
    assert stored("31.03.2026", "soon", former={"x": DATE}) == ["2026-03-31", None]


def test_typed_texts_and_columns_of_arrow_are_dates() -> None:
    typer = FieldTyper(known={"x": TEXT})
    typer.observe({"x": "31.03.2026"})
    assert typer.types() == {"x": DATE}
    assert typer.stored({"x": "31.03.2026"}) == {"x": "2026-03-31"}
    assert typer.schema() == pa.schema([("x", pa.string())])


@pytest.mark.parametrize(
    ("operand", "iso"),
    [
        ("2026-03-31", "2026-03-31"),
        ("2026-03", "2026-03"),
        ("2026", "2026"),
        ("31.03.2026", "2026-03-31"),
        ("31/03/2026", "2026-03-31"),
        ("03/04/2026", None),
        ("soon", None),
    ],
)
def test_what_dates_are_compared_with(operand: str, iso: str | None) -> None:
    assert date_operand(operand) == iso


LEAST = dt.datetime(1000, 1, 1)  # noqa: DTZ001 - most are written without a zone


@given(st.datetimes(min_value=LEAST), st.booleans())
def test_iso_dates_are_read_as_they_are_and_sort_as_dates(moment: dt.datetime, time: bool) -> None:
    text = moment.isoformat() if time else moment.date().isoformat()
    found = written_date(text)
    assert found is not None
    assert found.day_first == text


@given(st.text(max_size=30))
def test_no_text_fails(text: str) -> None:
    found = written_date(text)
    assert found is None or is_iso_date(found.day_first)
