from __future__ import annotations

import tracemalloc
from threading import Event
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import QueryError, SearchCancelledError
from indexer.retrieval import And, Columns, cancelled_by, evaluate, parse_filter
from indexer.retrieval import filter_columns as columns
from indexer.retrieval.filters import Compare, Or

TYPES = {
    "title": "text",
    "price": "float",
    "year": "integer",
    "sale": "boolean",
    "tags": "labels",
    "sizes": "numbers",
    "day": "date",
}
TABLE = pa.table(
    {
        "title": ["Nike Air", "Puma", None, "nike", "Nike Zoom"],
        "price": [10.0, 50.0, 20.0, None, 49.99],
        "year": [2010, 2012, 2012, 2015, None],
        "sale": [True, False, None, False, True],
        "tags": [["red", "gift"], ["42"], None, [], ["gift"]],
        "sizes": pa.array([[38, 44], [41], None, [], [40.5]], pa.list_(pa.float64())),
        "day": ["2026-01-31", "2026-02-01T10:00:00", None, "2025-12-31", "2026-02-01"],
    }
)


@pytest.mark.parametrize(
    ("raw", "rows"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"title": "Puma"}, [1]),
        ({"title": ["Puma", "nike"]}, [1, 3]),
        ({"title": {"in": ["Puma", "other"]}}, [1]),
        ({"title": {"prefix": "Nike"}}, [0, 4]),
        ({"price": {"gte": 10, "lt": 50}}, [0, 2, 4]),
        ({"price": {"gt": 10, "lte": 50}}, [1, 2, 4]),
        ({"year": 2012, "price": {"lt": 30}}, [2]),
        ({"year": {"exists": True}}, [0, 1, 2, 3]),
        ({"year": {"exists": False}}, [4]),
        ({"sale": True}, [0, 4]),
        ({"year": {"not": 2012}}, [0, 3, 4]),
        ({"year": {"not": {"gte": 2012}}}, [0, 4]),
        ({"not": {"title": {"prefix": "Nike"}}}, [1, 2, 3]),
        ({"or": [{"year": 2010}, {"price": 50}]}, [0, 1]),
        ({"and": [{"year": {"gte": 2011}}, {"sale": False}]}, [1, 3]),
        ({"or": []}, []),
        ({"and": []}, [0, 1, 2, 3, 4]),
        ({"title": []}, []),
        ({"title": {"gt": "O"}}, [1, 3]),
        ({"day": "2026-02-01"}, [4]),
        ({"day": "01.02.2026"}, [4]),
        ({"day": {"gte": "2026-02-01"}}, [1, 4]),
        ({"day": {"gte": "2026"}}, [0, 1, 4]),
        ({"day": {"gte": "31 Jan 2026", "lt": "2026-02"}}, [0]),
        ({"day": {"prefix": "2026-02"}}, [1, 4]),
        ({"day": {"lt": "1/31/2026"}}, [3]),
        ({"tags": "gift"}, [0, 4]),
        ({"tags": ["red", 42]}, [0, 1]),
        ({"tags": {"prefix": "g", "eq": "gift"}}, [0, 4]),
        ({"tags": {"exists": False}}, [2, 3]),
        ({"sizes": 38}, [0]),
        ({"sizes": {"gte": 41}}, [0, 1]),
        ({"sizes": {"gte": 39, "lt": 42}}, [1, 4]),
        ({"sizes": {"gte": 39, "not": 44}}, [1, 4]),
        ({"sizes": {"not": {"gte": 39}}}, [2, 3]),
    ],
)
@pytest.mark.parametrize("coded", [0, 1 << 16], ids=["as they are", "coded"])
def test_what_each_condition_lets_through(
    raw: dict[str, Any], rows: list[int], coded: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "_MAX_VALUES", coded)
    assert evaluate(parse_filter(raw, TYPES), Columns(TABLE)).nonzero()[0].tolist() == rows


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ({"prize": 1}, r"no field 'prize'; the fields are: price, .*title, year, sale"),
        ({"year": "2012"}, r"filter\.year: '2012' is not an integer value"),
        ({"year": 2012.5}, r"filter\.year"),
        ({"year": 2**70}, r"filter\.year"),
        ({"price": True}, r"filter\.price: True is not a number"),
        ({"title": None}, r"filter\.title"),
        ({"price": {"prefix": "1"}}, r'"prefix" does not apply to float'),
        ({"sale": {"gt": False}}, r'"gt" does not apply to boolean'),
        ({"price": {"between": [1, 2]}}, r'"between" is not a condition'),
        ({"day": "soon"}, r"'soon' is not a date"),
        ({"day": "03/04/2026"}, r"is not a date \(2026-03-31\) value"),
        ({"price": {}}, r"condition is empty"),
        ({"title": {"in": "x"}}, r'"in" needs a list'),
        ({"title": {"exists": 1}}, r'"exists" needs true or false'),
        ({"price": "dear"}, r"a number value.*gt, gte, lt, lte, in, exists, not"),
        ({"title": 5}, r"a text field.*prefix"),
        ({"sale": {"is": True}}, r"a boolean field: .* an object of eq, in, exists, not"),
        ({"or": {"year": 1}}, r'"or" needs a list'),
        ([], r"give an object"),
        ("red", r"give an object"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(raw: object, problem: str) -> None:
    with pytest.raises(QueryError, match=problem):
        parse_filter(raw, TYPES)


def test_depth_is_bounded() -> None:
    deep: dict[str, Any] = {"year": 1}
    for _ in range(100):
        deep = {"not": deep}
    with pytest.raises(QueryError, match="nested deeper"):
        parse_filter(deep, TYPES)
    deep = {"exists": True}
    for _ in range(100):
        deep = {"not": deep}
    with pytest.raises(QueryError, match="nested deeper"):
        parse_filter({"year": deep}, TYPES)


LESS = {"price": {"lt": 5}}
YEARS = list(range(1, 4097))


@pytest.mark.case(50)
@pytest.mark.parametrize(
    ("raw", "bound"),
    [
        ({"or": [LESS] * 257}, "256 conditions"),
        ({"and": [{"not": {"or": [LESS] * 100}}] * 3}, "256 conditions"),
        ({"or": [{"price": {"lt": 5, "gt": 1}}] * 129}, "256 conditions"),
        ({"or": [{}] * 257}, "256 conditions"),
        ({"or": [{"year": [1]}] * 257}, "256 conditions"),
        ({f"field {number}": 1 for number in range(257)}, "256 conditions"),
        ({"or": [{"or": []}] * 100_000}, "256 conditions"),
        ({"year": [*YEARS, 0]}, "4,096 values"),
        ({"or": [{"year": YEARS[:2049]}, {"year": {"not": YEARS[:2048]}}]}, "4,096 values"),
        ({"year": [[1] * 5000] * 5000}, "4,096 values"),
    ],
)
def test_breadth_is_bounded(raw: dict[str, Any], bound: str) -> None:
    with pytest.raises(QueryError, match=f"filter: .*more than {bound}"):
        parse_filter(raw, TYPES)


@pytest.mark.case(50)
@pytest.mark.parametrize(
    "raw",
    [
        {"or": [LESS] * 256},
        {"and": [{"or": [LESS] * 128}, {"not": {"or": [LESS] * 128}}]},
        {"year": YEARS},
        {"or": [{"year": YEARS[:2048]}, {"year": {"not": YEARS[:2048]}}]},
    ],
)
def test_filters_within_the_bounds_are_evaluated(raw: dict[str, Any]) -> None:
    assert len(evaluate(parse_filter(raw, TYPES), Columns(TABLE))) == len(TABLE)


@pytest.mark.case(50)
def test_a_filter_holds_one_mask_for_each_level() -> None:
    rows = 1_000_000
    columns = Columns(pa.table({"year": pa.array(np.zeros(rows, np.int64))}))
    wide = parse_filter({"or": [{"year": number} for number in range(1, 101)]}, {"year": "integer"})
    evaluate(wide, columns)
    tracemalloc.start()
    evaluate(wide, columns)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * rows  # a byte for each row and mask; it was 100


@pytest.mark.case(50)
def test_a_cancelled_search_stops_at_its_next_condition() -> None:
    cancelled, evaluated = Event(), 0

    class Watched(Columns):
        def coded(self, name: str) -> Any:
            nonlocal evaluated
            evaluated += 1
            if evaluated == 3:
                cancelled.set()
            return super().coded(name)

    wide = parse_filter({"or": [{"year": number} for number in range(100)]}, TYPES)
    with cancelled_by(cancelled), pytest.raises(SearchCancelledError):
        evaluate(wide, Watched(TABLE))
    assert evaluated == 3
    assert len(evaluate(wide, Columns(TABLE))) == len(TABLE)  # others go on


def test_a_field_named_like_a_group_is_a_field() -> None:
    assert parse_filter({"not": "x"}, {"not": "text"}) == Compare("not", "eq", "x")


@given(st.lists(st.integers(2009, 2016)), st.floats(0, 60))
def test_or_is_what_and_and_not_make_of_it(years: list[int], price: float) -> None:
    either = Or((And((Compare("price", "lt", price),)), *(Compare("year", "eq", y) for y in years)))
    expected = [
        (p is not None and p < price) or y in years
        for p, y in zip(TABLE["price"].to_pylist(), TABLE["year"].to_pylist(), strict=True)
    ]
    assert evaluate(either, Columns(TABLE)).tolist() == expected


@pytest.mark.parametrize("values", [2, 300, 79_000])
def test_columns_of_many_chunks_and_values(values: int) -> None:
    texts = [None if n % 7 == 0 else f"v{n % values}" for n in range(80_000)]
    chunks = pa.chunked_array([texts[start : start + 9_000] for start in range(0, 80_000, 9_000)])
    read = Columns(pa.table({"text": chunks}))
    assert (read.coded("text") is None) == (values == 79_000)
    for raw in ({"text": "v1"}, {"text": {"prefix": "v1"}}, {"text": {"exists": False}}):
        mask = evaluate(parse_filter(raw, {"text": "text"}), read)
        if "v1" in raw.values():
            expected = [text == "v1" for text in texts]
        elif raw == {"text": {"exists": False}}:
            expected = [text is None for text in texts]
        else:
            expected = [text is not None and text.startswith("v1") for text in texts]
        assert mask.tolist() == expected
