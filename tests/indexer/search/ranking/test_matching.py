"""Which products match a query: totals, facets, and queries that nothing matches."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from indexer import QueryError
from indexer.retrieval import parse_filter, without_field
from indexer.search import Engine, LikePart, Query, SearchMode, TextPart
from indexer.search.ranking import MATCH_CONFIDENCE, matching
from indexer.storage import QueryKind
from tests.indexer.search.conftest import Segmented

HYBRID, KEYWORD, VECTOR = SearchMode.HYBRID, SearchMode.KEYWORD, SearchMode.VECTOR


def query(text: str, **options: object) -> Query:
    return replace(Query(parts=(TextPart(text),), k=3), **options)  # type: ignore[arg-type]


def test_without_a_query_all_that_passes_the_filter_matches(segmented: Segmented) -> None:
    rows = [row for row in segmented.rows if row["price"] < 3]
    asked = Query(filter={"price": {"lt": 3}}, k=4, facets=("price",))
    assert not asked.needs_vector
    pages = [
        segmented.engine.search(replace(asked, offset=at)) for at in range(0, len(rows) + 4, 4)
    ]
    found = [hit.id for page in pages for hit in page.hits]
    assert found == [row["id"] for row in rows]
    for page in pages:
        assert (page.total, page.exact, page.no_match) == (len(rows), True, False)
        assert all(hit.confidence is None for hit in page.hits)
    counted = dict(pages[0].facets["price"])
    assert sum(counted.values()) == len(segmented.rows)
    nothing = segmented.engine.search(Query(filter={"price": 99}))
    assert (nothing.total, nothing.no_match, nothing.hits) == (0, False, ())


def test_the_total_is_the_same_on_every_page(segmented: Segmented) -> None:
    engine = segmented.engine
    for mode, limits in product(SearchMode, [(1, 0), (5, 3), (100, 0), (3, 500)]):
        k, offset = limits
        result = engine.search(query("nike wool", mode=mode, k=k, offset=offset))
        expected = engine.search(query("nike wool", mode=mode))
        assert (result.total, result.exact) == (expected.total, True)


def test_words_match_by_all_of_them_where_a_product_has_all(segmented: Segmented) -> None:
    titles = [set(row["title"].split()) for row in segmented.rows]
    for text in ("nike wool", "nike zzzz wool", "puma"):
        known = set(text.split()) - {"zzzz"}
        wanted = sum(known <= title for title in titles)
        assert wanted
        assert segmented.engine.search(query(text, mode=HYBRID)).total == wanted
    # One word of three is too few, and so is one of two that look like nothing of the kind.
    for text in ("qqqq nike zzzz", "nike zzzz"):
        result = segmented.engine.search(query(text, mode=HYBRID))
        assert (result.total, result.no_match) == (0, True), text


@pytest.mark.parametrize("mode", SearchMode)
def test_where_nothing_matches_the_nearest_are_suggested(
    segmented: Segmented, mode: SearchMode
) -> None:
    result = segmented.engine.search(query("qqqq zzzz", mode=mode, facets=("title",)))
    assert (result.hits, result.total, result.no_match) == ((), 0, True)
    assert len(result.suggestions) == 3
    assert all(
        (hit.confidence or 0) < MATCH_CONFIDENCE[QueryKind.TEXT] for hit in result.suggestions
    )
    assert result.facets == {"title": []}
    filtered = segmented.engine.search(query("qqqq zzzz", mode=mode, filter={"price": 4}))
    prices = {row["id"]: row["price"] for row in segmented.rows}
    assert {prices[hit.id] for hit in filtered.suggestions} == {4}


def test_a_minimum_confidence_is_what_matches(engine: Engine) -> None:
    everything = engine.search(Query(parts=(TextPart("red"),), k=9)).hits
    for least in (0.001, 0.3, 0.999):
        wanted = [hit.id for hit in everything if (hit.confidence or 0) >= least]
        for mode in (VECTOR, HYBRID, KEYWORD):
            asked = Query(parts=(TextPart("red"),), k=9, mode=mode, min_confidence=least)
            result = engine.search(asked)
            assert result.total == len(result.hits)
            assert result.no_match == (not result.hits)
            if mode is VECTOR:
                assert [hit.id for hit in result.hits] == wanted
    with pytest.raises(QueryError, match="min_confidence"):
        engine.search(Query(parts=(TextPart("red"),), min_confidence=1.5))


def test_all_others_match_a_product(segmented: Segmented) -> None:
    liked = segmented.rows[5]["id"]
    result = segmented.engine.search(Query(parts=(LikePart(liked),), filter={"price": {"gte": 0}}))
    assert (result.total, result.exact) == (len(segmented.rows) - 1, True)
    away = segmented.engine.search(Query(parts=(TextPart("red", -1.0),)))
    assert (away.total, away.no_match) == (len(segmented.rows), False)


def test_more_may_match_than_are_looked_at(
    segmented: Segmented, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = segmented.engine.search(query("nike", mode=HYBRID))
    assert whole.exact
    monkeypatch.setattr("indexer.search.ranked_search.WORD_WINDOW", 5)
    some = segmented.engine.search(query("nike", mode=HYBRID))
    assert not some.exact
    assert 0 < some.total < whole.total


def test_a_facet_ignores_the_conditions_on_its_own_field() -> None:
    types = {"colour": "text", "size": "integer", "brand": "text"}
    size = {"size": {"gte": 3, "lt": 9}}
    for own in (
        {"colour": "red"},
        {"or": [{"colour": "red"}, {"colour": "blue"}]},
        {"colour": {"not": "red"}},
        {"not": {"colour": {"in": ["red"]}}},
        {"and": [{"colour": {"exists": True}}, {"colour": {"prefix": "r"}}]},
    ):
        both = parse_filter({"and": [own, size]}, types)
        assert without_field(both, "colour") == parse_filter(size, types)
        assert without_field(both, "brand") == both
        assert without_field(parse_filter(own, types), "colour") is None
    mixed = parse_filter({"or": [{"colour": "red"}, {"brand": "x"}]}, types)
    assert without_field(mixed, "colour") == mixed
    assert without_field(None, "colour") is None


def test_the_window_is_a_stretch_of_pages() -> None:
    """Pages up to there come from one search, so that they join in approximate indexes, too."""
    from indexer.search.ranking import paging

    assert matching.WINDOW in paging._STRETCHES
