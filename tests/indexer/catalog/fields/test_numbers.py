"""Numbers as people write them: prices, percentages, measures, and booleans in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.catalog import FieldType, FieldTyper, FieldValue, to_batch
from indexer.catalog.fields.numbers import written_number


def stored(*cells: FieldValue, typed: bool = False, **options: object) -> dict[str, list[object]]:
    """Return the columns that a catalog of one column `price` makes."""
    typer = FieldTyper(parse_text=not typed, **options)  # type: ignore[arg-type]
    for line, cell in enumerate(cells, start=2):
        typer.observe({"price": cell}, line, str(line))
    types = typer.types()
    rows = [typer.cleaned({"price": cell}, types) for cell in cells]
    columns: dict[str, list[object]] = to_batch(rows, types).to_pydict()
    return columns


@pytest.mark.case(59)
@pytest.mark.parametrize(
    ("cells", "numbers", "currencies"),
    [
        (["$1,299.00", "$5"], [1299, 5], ["$", "$"]),
        (["49,90 €", "1.299,00 €"], [49.9, 1299], ["EUR", "EUR"]),
        (["49,90 €", "1.299 €", "3 €"], [49.9, 1299, 3], ["EUR"] * 3),
        (["1 299 kr", "1\u00a0299,50 kr."], [1299, 1299.5], ["kr", "kr."]),
        (["19.99 USD", "eur 20", None], [19.99, 20, None], ["USD", "EUR", None]),
        (["CHF 1'299.50", "CHF\u202f5.-"], [1299.5, 5], ["CHF", "CHF"]),
        (["£-5.50", "-£5.50", "\u22125.50 £"], [-5.5] * 3, ["GBP"] * 3),
        (["1.299 €", "950 €"], [1299, 950], ["EUR", "EUR"]),
        (["10 zł", "12"], [10, 12], ["PLN", None]),
        (["$1,299.00 USD", "$5 USD"], [1299, 5], ["USD", "USD"]),
        (["US $1,299.00", "AU $5"], [1299, 5], ["USD", "AUD"]),
        (["Rs. 12,34,567.50", "₹1,23,456"], [1234567.5, 123456], ["rs.", "INR"]),
        (["1,980円", "2,500円"], [1980, 2500], ["JPY", "JPY"]),
    ],
)
def test_prices_are_numbers_with_their_currency_beside(
    cells: list[FieldValue], numbers: list[object], currencies: list[object]
) -> None:
    assert stored(*cells) == {"price": numbers, "price_currency": currencies}


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["9,99", "1.299", "5"], [9.99, 1299, 5]),
        (["1,299", "12.50"], [1299, 12.5]),
        (["1,299", "950"], [1299, 950]),
        (["1.299.000", "1.5"], [1299000, 1.5]),
        (["1,299,000", "1,299.5"], [1299000, 1299.5]),
        (["1.299", "2.5"], [1.299, 2.5]),
        (["0,125", "3,5"], [0.125, 3.5]),
    ],
)
def test_a_column_says_how_its_marks_are_read(cells: list[str], numbers: list[float]) -> None:
    assert stored(*cells) == {"price": numbers}


def test_what_can_be_read_in_two_ways_is_left_out_and_said() -> None:
    cells = ["9,99", "8.99", "1,299"]
    assert stored(*cells) == {"price": [9.99, 8.99, None]}
    typer = FieldTyper(parse_text=True)
    for line, cell in enumerate(cells, start=2):
        typer.observe({"price": cell}, line, str(line))
    assert [(odd.line, odd.value) for odd in typer.odd_values()] == [(4, "1,299")]
    assert any("line 4: '1,299'" in note for note in typer.notes())


def test_a_guess_is_said() -> None:
    typer = FieldTyper(parse_text=True)
    typer.observe({"price": "1,299"}, 2, "a")
    assert any("--types price=text" in note for note in typer.notes())


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["25%", "12,5 %"], {"price": [25, 12.5], "price_unit": ["%", "%"]}),
        (["250 g", "1.5 g"], {"price": [250, 1.5], "price_unit": ["g", "g"]}),
        (["€5 USD", "$5"], {"price": ["€5 USD", "$5"]}),
        (["500 g", "1 kg"], {"price": ["500 g", "1 kg"]}),
        (["30 cm", "30"], {"price": ["30 cm", "30"]}),
        (["00,5", "9,5"], {"price": ["00,5", "9,5"]}),
        (["012 345", "1,2,3"], {"price": ["012 345", "1,2,3"]}),
        (["3 x 5 cm", "10-20"], {"price": ["3 x 5 cm", "10-20"]}),
        (["yes", "No"], {"price": [True, False]}),
        (["WAHR", "FALSCH", None], {"price": [True, False, None]}),
        (["no", "se"], {"price": ["no", "se"]}),
        (["no"] * 200 + ["se"], {"price": ["no"] * 200 + ["se"]}),
    ],
)
def test_units_and_words(cells: list[FieldValue], expected: dict[str, list[object]]) -> None:
    assert stored(*cells) == expected


def test_typed_text_is_a_number_only_with_a_currency() -> None:
    assert typed("12", "size") == {"size": ["12"]}
    assert typed("12,50", "size") == {"size": ["12,50"]}
    assert stored("12,50 €", 3, typed=True) == {
        "price": [12.5, 3],
        "price_currency": ["EUR", None],
    }


@pytest.mark.parametrize("name", ["price", "Sale Price", "price_old", "Preis", "prix", "unit.cost"])
@pytest.mark.parametrize("known", [{}, {"name": FieldType.TEXT}])
def test_typed_text_of_a_price_is_a_number(name: str, known: dict[str, FieldType]) -> None:
    known = dict.fromkeys([name] * len(known), FieldType.TEXT)
    assert typed("12.50", name, known=known) == {name: [12.5]}
    assert typed("1.299,00", name, known=known) == {name: [1299]}
    assert typed("5 €", name, known=known) == {name: [5], f"{name}_currency": ["EUR"]}
    assert typed("on request", name, known=known) == {name: ["on request"]}


def typed(cell: str, name: str, **options: object) -> dict[str, list[object]]:
    """Return the columns that a typed text in a column of a name makes."""
    typer = FieldTyper(**options)  # type: ignore[arg-type]
    typer.observe({name: cell}, 1, "1")
    types = typer.types()
    columns: dict[str, list[object]] = to_batch(
        [typer.cleaned({name: cell}, types)], types
    ).to_pydict()
    return columns


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["y", "N", ""], FieldType.BOOLEAN),
        (["Y"], FieldType.BOOLEAN),
        (["j", "n"], FieldType.BOOLEAN),
        (["t", "f"], FieldType.BOOLEAN),
        (["yes", "n"], FieldType.BOOLEAN),
        (["f"], FieldType.TEXT),
        (["j", "f"], FieldType.TEXT),
        (["y", "n", "x"], FieldType.TEXT),
    ],
)
def test_letters_are_booleans_where_a_column_has_no_others(
    cells: list[str], kind: FieldType
) -> None:
    typer = FieldTyper(parse_text=True)
    for cell in cells:
        typer.observe({"flag": cell})
    assert typer.types() == {"flag": kind}


def test_the_type_of_before_and_that_of_the_user_decide() -> None:
    text = {"price": FieldType.TEXT}
    assert stored("9,99 €", former=text) == {"price": ["9,99 €"]}
    assert stored("9,99 €", forced=text) == {"price": ["9,99 €"]}
    number = {"price": FieldType.FLOAT}
    assert stored("9,99 €", "call", "call", forced=number) == {
        "price": [9.99, None, None],
        "price_currency": ["EUR", None, None],
    }


@given(
    st.integers(0, 10**9),
    st.integers(0, 99),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("\u00a0", ","), ("'", "."), ("", ".")]),
    st.sampled_from(["{} €", "€{}", "{} EUR", "EUR {}", "{}"]),
)
def test_every_style_gives_the_number_back(
    whole: int, cents: int, marks: tuple[str, str], around: str
) -> None:
    thousands, decimal = marks
    text = around.format(f"{whole:,}".replace(",", thousands) + f"{decimal}{cents:02}")
    number = written_number(text)
    assert number is not None
    assert number.value(decimal) == float(f"{whole}.{cents:02}")
    assert number.currency == (None if around == "{}" else "EUR")
