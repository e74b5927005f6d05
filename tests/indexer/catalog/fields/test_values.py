"""Field types: inference, joining, and conversion to Arrow columns."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.catalog import FieldType, FieldTyper, FieldValue, arrow_schema, join_types, to_batch
from indexer.errors import CatalogError

TEXT, INTEGER, FLOAT, BOOLEAN, DATE = (
    FieldType.TEXT,
    FieldType.INTEGER,
    FieldType.FLOAT,
    FieldType.BOOLEAN,
    FieldType.DATE,
)
LABELS, LIST = FieldType.LABELS, FieldType.NUMBERS


def type_of(*values: FieldValue, parse_text: bool = False) -> FieldType:
    typer = FieldTyper(parse_text=parse_text)
    for value in values:
        typer.observe({"x": value})
    return typer.types()["x"]


def column(values: list[FieldValue], *, parse_text: bool = False) -> list[FieldValue]:
    typer = FieldTyper(parse_text=parse_text)
    rows = [{"x": value} for value in values]
    for row in rows:
        typer.observe(row)
    batch = to_batch(rows, typer.types())
    assert batch.schema == typer.schema()
    return list(batch.column("x").to_pylist())


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("12", INTEGER),
        ("0", INTEGER),
        ("-5", INTEGER),
        (" 12 ", INTEGER),
        ("9" * 18, INTEGER),
        ("9.99", FLOAT),
        ("-0.5", FLOAT),
        (".5", FLOAT),
        ("1e-05", FLOAT),
        ("1.5E+3", FLOAT),
        ("-0", FLOAT),
        ("true", BOOLEAN),
        ("False", BOOLEAN),
        ("007", TEXT),
        ("00.5", TEXT),
        ("+49", TEXT),
        ("1E5", TEXT),
        ("9" * 19, TEXT),
        ("1e+999", TEXT),
        ("1_000", TEXT),
        ("1,5", FLOAT),
        ("5.", TEXT),
        ("0x10", TEXT),
        ("\u0661\u0662", TEXT),  # Arabic-Indic digits, which int() would take
        ("yes", BOOLEAN),
        ("maybe", TEXT),
        ("2024-01-01", DATE),
        ("", TEXT),
        ("nan", TEXT),
    ],
)
def test_the_type_of_a_cell(cell: str, expected: FieldType) -> None:
    assert type_of(cell, parse_text=True) is expected
    # Dates are dates in any format.
    assert type_of(cell) is (DATE if expected is DATE else TEXT)


def test_typed_values_keep_their_type() -> None:
    assert type_of(3) is INTEGER
    assert type_of(3.0) is FLOAT
    assert type_of(True) is BOOLEAN
    assert type_of(2**63 - 1, -(2**63)) is INTEGER
    assert type_of(2**63) is TEXT
    assert type_of(None) is TEXT


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "", "2"], [1, None, 2]),
        (["1", "2.5", "  "], [1.0, 2.5, None]),
        (["1", "x", "007", "", " y "], ["1", "x", "007", None, " y "]),
        (["true", "FALSE", ""], [True, False, None]),
        (["true", "1"], ["true", "1"]),
        (["1.5\x1f", "2\u2003"], [1.5, 2.0]),  # spaces to str.strip, not to float
        (["1.5", "nan", "-Inf"], [1.5, None, None]),
        (["nan", "Nan"], ["nan", "Nan"]),
        (["007", "008"], ["007", "008"]),
    ],
)
def test_columns_of_cells(cells: list[str], expected: list[FieldValue]) -> None:
    found = column(list(cells), parse_text=True)
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5, None], [1.0, 2.5, None]),
        ([1, "x", True, 1.5], ["1", "x", "true", "1.5"]),
        ([True, 0], ["true", "0"]),
        ([1.5, math.nan, math.inf], [1.5, None, None]),
        ([2**63, 1], [str(2**63), "1"]),
        ([2**63, 1.5], [str(2**63), "1.5"]),
        ([None, None], [None, None]),
    ],
)
def test_columns_of_typed_values(values: list[FieldValue], expected: list[FieldValue]) -> None:
    found = column(values)
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


def test_fields_that_rows_lack_are_missing_and_keep_their_order() -> None:
    typer = FieldTyper()
    rows: list[dict[str, FieldValue]] = [{"b": 1}, {"a": "x"}, {}]
    for row in rows:
        typer.observe(row)
    assert list(typer.types().items()) == [("b", INTEGER), ("a", TEXT)]
    assert to_batch(rows, typer.types()).to_pydict() == {
        "b": [1, None, None],
        "a": [None, "x", None],
    }


def test_known_types_are_widened_and_never_narrowed() -> None:
    typer = FieldTyper(known={"x": FLOAT, "y": BOOLEAN, "z": TEXT})
    typer.observe({"x": 1, "y": "word", "z": 3})
    assert typer.types() == {"x": FLOAT, "y": TEXT, "z": TEXT}


def test_rows_without_fields_keep_their_number() -> None:
    batch = to_batch([{}, {}, {}], {})
    assert (batch.num_rows, batch.num_columns) == (3, 0)
    assert batch.schema == arrow_schema({})


def test_the_arrow_types() -> None:
    types = {"a": TEXT, "b": INTEGER, "c": FLOAT, "d": BOOLEAN}
    assert arrow_schema(types) == pa.schema(
        [("a", pa.string()), ("b", pa.int64()), ("c", pa.float64()), ("d", pa.bool_())]
    )


@pytest.mark.parametrize(
    ("value", "kind"),
    [("x", INTEGER), ("1.5", INTEGER), (True, INTEGER), (2**63, INTEGER), ("x", FLOAT),
     ("true", FLOAT), (10**400, FLOAT), ("2", BOOLEAN), (1, BOOLEAN)],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_by_name(value: FieldValue, kind: FieldType) -> None:
    with pytest.raises(CatalogError, match="field 'price' was of type"):
        to_batch([{"price": value}], {"price": kind})


any_type = st.sampled_from(FieldType)


@given(any_type, any_type, any_type)
def test_joining_types_is_a_semilattice(a: FieldType, b: FieldType, c: FieldType) -> None:
    assert join_types(a, a) is a
    assert join_types(a, b) is join_types(b, a)
    assert join_types(join_types(a, b), c) is join_types(a, join_types(b, c))
    assert join_types(a, FieldType.LABELS) is FieldType.LABELS


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
)
spelled = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.integers().map(str),
    st.floats().map(repr),
    st.sampled_from(["true", "", "nan", "007"]),
)


def stored(value: FieldValue, kind: FieldType) -> FieldValue:
    """The value of a typed column, by the rules of the docs."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if kind is FLOAT:
        return float(value)
    if kind is not TEXT:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if str(value).strip() else None


@given(st.lists(scalars, max_size=6))
def test_typed_columns_hold_every_value_in_any_order(values: list[FieldValue]) -> None:
    kind = type_of(*values, None)
    assert kind is type_of(*reversed(values), None)
    assert column([*values, None]) == [*(stored(value, kind) for value in values), None]


@given(st.lists(spelled, max_size=6))
def test_a_cell_becomes_its_number_or_stays_unchanged(cells: list[str]) -> None:
    kind = type_of(*cells, "", parse_text=True)
    assert kind is type_of("", *reversed(cells), parse_text=True)
    for cell, value in zip(cells, column([*cells, ""], parse_text=True), strict=False):
        if kind is TEXT:
            assert value == (cell if cell.strip() else None)
        elif value is not None and kind is not BOOLEAN:
            assert value == (int(cell.strip()) if kind is INTEGER else float(cell.strip()))


def typed(cells: list[str], **options: dict[str, FieldType]) -> FieldTyper:
    typer = FieldTyper(parse_text=True, **options)
    for line, cell in enumerate(cells, start=2):
        typer.observe({"x": cell}, line, f"p{line}")
    return typer


NUMBERS = [f"{at}.5" for at in range(200)]


@pytest.mark.case(58)
@pytest.mark.parametrize(
    ("cells", "former", "expected"),
    [
        ([*NUMBERS, "call us"], None, FLOAT),
        ([*NUMBERS[:20], "call us"], None, TEXT),
        ([*NUMBERS, "007"], None, TEXT),
        (["1.5", "call us"], FLOAT, FLOAT),
        (["1.5", "call us", "no"], FLOAT, FLOAT),
        (["a", "b", "1"], INTEGER, INTEGER),
        (["1", "2.5", "x"], INTEGER, FLOAT),
        (["x", "y"], DATE, DATE),
        (["2026-03-01", "soon"], DATE, DATE),
        (["2026-03-01"], TEXT, TEXT),
        (["[1, 2]", "3"], FLOAT, LIST),
        (["[1, 2]", "3", "x"], INTEGER, LIST),
        (['["a", "b"]', "c"], TEXT, LABELS),
        (['["a", "b"]', *"c" * 200], TEXT, TEXT),
        (["a"], LABELS, LABELS),
        (["a", "1"], LIST, LIST),
        (["1", "2"], FLOAT, FLOAT),
        (["1", "2.0"], INTEGER, INTEGER),
        (["1", "2.5"], INTEGER, FLOAT),
        (["1", "2"], TEXT, TEXT),
        (["true", "maybe", "no way", "true"], BOOLEAN, BOOLEAN),
        ([""], BOOLEAN, BOOLEAN),
    ],
)
def test_a_few_odd_values_do_not_decide_a_type(
    cells: list[str], former: FieldType | None, expected: FieldType
) -> None:
    typer = typed(cells, former={"x": former} if former else {})
    assert typer.types() == {"x": expected}
    rows = [typer.cleaned({"x": cell}, typer.types()) for cell in cells]
    to_batch(rows, typer.types())  # every value that is left fits
    left_out = [cell for cell, row in zip(cells, rows, strict=True) if not row]
    assert [odd.value for odd in typer.odd_values()] == left_out


def test_what_changes_a_type_or_keeps_one_from_being_numbers_is_said() -> None:
    (kept,) = typed(["a", "b", "1"], former={"x": INTEGER}).notes()
    assert "'x' is of type integer; 2 of 3 values do not fit and are left out" in kept
    (widened,) = typed(["1", "2.5"], former={"x": INTEGER}).notes()
    assert "changed its type from integer to float; --types x=integer keeps it" in widened
    (nearly,) = typed([*NUMBERS[:20], "call us"]).notes()
    assert "1 of 21 values are no numbers (line 22: 'call us'); --types x=number" in nearly
    (odd,) = typed([*NUMBERS, "call us"]).notes()
    assert "1 of 201 values do not fit and are left out (line 202: 'call us')" in odd
    assert typed(NUMBERS).notes() == []


def test_a_type_can_be_decided() -> None:
    typer = typed(["1.5", "call us", "no", "x"], forced={"x": FLOAT})
    assert typer.types() == {"x": FLOAT}
    assert len(list(typer.odd_values())) == 3


@pytest.mark.parametrize("name", ["ean", "EAN", "gtin13", "Barcode", "variant sku", "PLZ"])
def test_columns_of_codes_are_text(name: str) -> None:
    typer = FieldTyper(parse_text=True)
    typer.observe({name: "4006381333930"})
    assert typer.types() == {name: TEXT}
