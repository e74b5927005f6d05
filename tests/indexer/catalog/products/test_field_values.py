"""Values of records as fields: lists, objects, and cells that hold lists."""

from __future__ import annotations

from typing import Any

import pytest

from indexer.catalog import FieldType, FieldTyper, to_batch
from indexer.catalog.products.field_values import product_fields
from indexer.errors import RowError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["red", " gift ", "", None, "red"], {"x": ["red", "gift"]}),
        ([1, 1.0, True], {"x": [1, 1.0, True]}),
        ([["a"], ["b", ["c"]]], {"x": ["a", "b", "c"]}),
        ([], {"x": None}),
        (["n/a", float("nan")], {"x": None}),
        ({"a": {"b": 1}, "c": "null"}, {"x.a.b": 1, "x.c": None}),
        ({}, {}),
        ([{"n": "a"}, {"n": "b", "m": [1, 2]}], {"x.n": ["a", "b"], "x.m": [1, 2]}),
        (["a", {"n": "b"}], {"x": ["a"], "x.n": ["b"]}),
    ],
)
def test_lists_and_objects_become_fields(value: object, expected: dict[str, Any]) -> None:
    assert product_fields({"x": value}) == expected


def test_names_that_meet_and_endless_nesting_cost_the_row() -> None:
    with pytest.raises(RowError, match=r"two values of the name 'x\.a'"):
        product_fields({"x": {"a": 1}, "x.a": 2})
    nested: object = 1
    for _ in range(20):
        nested = {"a": nested}
    with pytest.raises(RowError, match="nested more than 8 deep"):
        product_fields({"x": nested})


@pytest.mark.parametrize(
    ("cells", "kind", "stored"),
    [
        (['["red", "gift"]', "blue"], FieldType.LABELS, [["red", "gift"], ["blue"]]),
        (["['red', 'gi\"ft']", '["b"]'], FieldType.LABELS, [["red", 'gi"ft'], ["b"]]),
        (["[38, 39]", "40"], FieldType.NUMBERS, [[38, 39], [40]]),
        (["[]", "[38.5]"], FieldType.NUMBERS, [None, [38.5]]),
        (["[sic]", "[1, x]"], FieldType.TEXT, ["[sic]", "[1, x]"]),
        (['[{"a": 1}]', "b"], FieldType.TEXT, ['[{"a": 1}]', "b"]),
        ([f"[{2**60}]", "[1]"], FieldType.LABELS, [[str(2**60)], ["1"]]),
        (["['a', 1]", "[true]"], FieldType.LABELS, [["a", "1"], ["true"]]),
    ],
)
def test_cells_that_hold_lists(cells: list[str], kind: FieldType, stored: list[object]) -> None:
    typer = FieldTyper(parse_text=True)
    for cell in cells:
        typer.observe({"x": cell})
    assert typer.types() == {"x": kind}
    batch = to_batch([{"x": cell} for cell in cells], typer.types())
    assert batch.column("x").to_pylist() == stored


@pytest.mark.case(58)
def test_one_odd_list_changes_no_field_and_is_said() -> None:
    typer = FieldTyper()
    for line in range(1, 201):
        typer.observe({"price": line, "title": f"Lamp {line}"}, line, str(line))
    odd: dict[str, Any] = {"price": [1, "two"], "title": ["Lamp", "red"]}
    typer.observe(odd, 201, "201")
    types = typer.types()
    assert types == {"price": FieldType.INTEGER, "title": FieldType.TEXT}
    assert [(value.line, value.field) for value in typer.odd_values()] == [(201, "price")]
    # Text holds any list.
    cleaned = typer.cleaned(odd, types)
    assert to_batch([cleaned], types).to_pylist() == [{"price": None, "title": '["Lamp", "red"]'}]


def test_types_that_the_user_decides() -> None:
    typer = FieldTyper(forced={"tags": FieldType.TEXT, "sizes": FieldType.NUMBERS})
    row: dict[str, Any] = {"tags": ["a"], "sizes": 4}
    typer.observe(row)
    assert to_batch([row], typer.types()).to_pylist() == [{"tags": '["a"]', "sizes": [4]}]
