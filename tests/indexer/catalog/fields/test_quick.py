"""Quick looks at cells: they show what the long look at each cell would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.catalog.fields import FieldTyper, FieldValue, column, typer
from indexer.catalog.fields.column import Column
from indexer.catalog.fields.quick import quick_type

WORDS = [
    "Product number 5 in blue",
    "March 3, 2026",
    "EUR 5.00",
    "euros 5",
    "Tue, 3 Mar 2026",
    "Rs. 5",
    "January sale of 2026",
    "verdadero",
    "a longer text",
    "Mayor 3, 2026 or so",
]
cells = st.one_of(
    st.integers().map(str),
    st.floats().map(repr),
    st.sampled_from(["-0", "007", "1.299", "12.50", "3.0", "2026-03-31", "2026-02-30", "yes", "",
                     "nan", "[1, 2]", "5 €", "31.12.2026", *WORDS]),
    st.text(max_size=20),
)  # fmt: skip
columns = st.one_of(
    st.lists(cells, max_size=8),
    # Of one kind, as columns are.
    st.sampled_from([st.integers().map(str), st.dates().map(str), st.sampled_from(WORDS),
                     st.floats(0, 999).map("{:.2f}".format)]).flatmap(
        lambda kind: st.lists(kind, min_size=1, max_size=8)
    ),
)  # fmt: skip


def seen(values: list[str], batch: int) -> tuple[object, ...]:
    found = FieldTyper(parse_text=True)
    for line, value in enumerate(values):
        found.observe({"x": value, "other": None}, line, str(line))
        if line % batch == batch - 1:
            found.types()
    types = found.types()
    state: Column = found._columns.get("x", Column())
    return (
        types, dict(state.counts), state.whole, state.codes, state.written, state.mark, state.order,
        sorted(odd.line for odd in found.odd_values()),
    )  # fmt: skip


@given(columns, st.sampled_from([1, 3, 100]))
def test_a_quick_look_shows_what_a_long_one_does(values: list[str], batch: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(column, "_MOST_NOTED", 2)
        quick = seen(values, batch)
        patch.setattr(typer, "quick_type", lambda _: None)
        patch.setattr(column, "quick_count", lambda _: None)
        patch.setattr(Column, "add_again", lambda *_: False)
        assert seen(values, 1) == quick


def test_rows_without_a_column_count_for_nothing() -> None:
    rows: list[dict[str, FieldValue]] = [{"a": "1"}, {"b": "x"}, {"a": None, "b": "2026-01-01"}]
    found = FieldTyper(parse_text=True)
    for row in rows:
        found.observe(row)
    assert list(found.types()) == ["a", "b"]
    assert found._columns["a"].total == 1


@pytest.mark.parametrize("text", WORDS)
def test_words_that_may_begin_a_number_or_a_date_take_a_longer_look(text: str) -> None:
    longer = ("March", "EUR", "euros", "Tue", "Rs", "January", "verdadero")
    assert (quick_type(text) is None) == text.startswith(longer)
