"""Searches by colour, over images whose colours are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from embeddings import FakeEncoder
from indexer import QueryError
from indexer.index import Index
from indexer.search import Engine, Query, SearchMode, TextPart, WantedColour, colour_alone
from tests.support.striped_products import PRODUCTS

GOLDEN = Path(__file__).parents[2] / "data" / "indices"


def ids(engine: Engine, query: Query) -> list[str]:
    return [hit.id for hit in engine.search(query).hits]


def with_colour(colour: str, text: str = "thing", **more: float) -> Query:
    return Query((TextPart(text),), colour=WantedColour(colour, **more))


def test_as_a_filter_only_products_of_the_colour_are_found(striped: Engine) -> None:
    query = with_colour("#cd1923", within=8, share=0.3)
    assert set(ids(striped, query)) == {"red", "red-and-blue"}
    wider = replace(query, colour=WantedColour("#cd1923", within=8, share=0.05))
    assert set(ids(striped, wider)) == {"red", "red-and-blue", "blue-with-some-red"}


def test_the_filter_joins_others_and_counts_in_facets(striped: Engine) -> None:
    query = replace(
        with_colour("#cd1923", within=8, share=0.05),
        filter={"title": {"prefix": "red"}},
        facets=("title",),
    )
    result = striped.search(query)
    assert {hit.id for hit in result.hits} == {"red", "red-and-blue"}
    assert result.total == 2
    # The colour counts, the filter on the field itself does not.
    titles = {"red thing", "red and blue thing", "blue with some red thing"}
    assert dict(result.facets["title"]) == dict.fromkeys(titles, 1)


def test_by_weight_the_nearest_colours_come_first(striped: Engine) -> None:
    """All products match the word equally; the shades of red come before the rest."""
    found = ids(striped, with_colour("#cd1923", weight=1.0))
    assert sorted(found) == sorted(PRODUCTS)
    assert set(found[:2]) == {"red", "red-and-blue"}
    assert found.index("maroon") < found.index("green")


def test_weight_goes_between_both_orders(striped: Engine) -> None:
    by_words = ids(striped, Query((TextPart("blue"),)))
    assert by_words[0] == "blue"
    assert ids(striped, with_colour("#cd1923", "blue", weight=0.0)) == by_words
    reddest = ids(striped, with_colour("#cd1923", "blue", weight=1.0))[:2]
    assert set(reddest) == {"red", "red-and-blue"}


@pytest.mark.parametrize("mode", [SearchMode.KEYWORD, SearchMode.HYBRID])
def test_other_modes_take_colours_too(striped: Engine, mode: SearchMode) -> None:
    query = replace(with_colour("#cd1923", "blue", within=8, share=0.05), mode=mode)
    assert set(ids(striped, query)) <= {"red", "red-and-blue", "blue-with-some-red"}
    weighed = replace(with_colour("#3c3cbe", "blue", weight=1.0), mode=mode)
    assert ids(striped, weighed)[0] == "blue"


def test_pages_fit_together(striped: Engine) -> None:
    query = with_colour("#cd1923", weight=0.6)
    pages = [ids(striped, replace(query, k=2, offset=start)) for start in (0, 2, 4)]
    assert [one for page in pages for one in page] == ids(striped, query)


@pytest.mark.parametrize("wrong", [{"within": 0.0}, {"share": 0.0}, {"weight": 1.5}])
def test_numbers_out_of_range_are_refused(striped: Engine, wrong: dict[str, float]) -> None:
    with pytest.raises(QueryError, match="colour_"):
        striped.search(with_colour("red", **wrong))


def test_an_index_without_colours_says_how_to_get_them() -> None:
    index = Index.open(GOLDEN / "v3")
    with pytest.raises(QueryError, match="lookalike index merge"):
        Engine(FakeEncoder(), index).search(with_colour("red"))


def test_a_colour_alone_is_a_query_of_its_name_ordered_by_colour(striped: Engine) -> None:
    text, wanted = colour_alone(WantedColour("#cd1923"))
    assert (text, wanted) == (TextPart("red"), WantedColour("#cd1923", weight=1.0))
    found = ids(striped, Query((text,), colour=wanted))
    assert set(found[:2]) == {"red", "red-and-blue"}
    assert colour_alone(WantedColour("#cd1923", weight=0.3))[1].weight == 0.3
    with pytest.raises(QueryError, match="navy blue"):
        colour_alone(WantedColour("octarine"))
