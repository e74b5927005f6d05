"""Searches by colour, over images whose colours are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embeddings import FakeEncoder
from indexer import QueryError
from indexer.colours import colour_point
from indexer.index import Index
from indexer.search import ColourPart, Engine, ImagePart, Query, SearchMode, TextPart, WantedColour
from tests.support.search_catalogs import build
from tests.support.striped_products import PRODUCTS, drawn

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


def alone(colour: str, **more: Any) -> Query:
    return Query((), colour=WantedColour(colour), **more)


def test_a_colour_alone_finds_the_nearest_of_all_products(striped: Engine) -> None:
    for colour, first in (("#cd1923", "red"), ("#781428", "maroon"), ("#3c3cbe", "blue")):
        result = striped.search(alone(colour))
        assert result.hits[0].id == first
        assert {hit.id for hit in result.hits} == set(PRODUCTS)
        scores = [hit.score for hit in result.hits]
        confidences = [hit.confidence or 0.0 for hit in result.hits]
        assert scores == sorted(scores, reverse=True)
        assert confidences == sorted(confidences, reverse=True)
        assert scores[0] > 0.9
        assert scores[-1] < 0.1


def test_names_find_what_hexadecimal_numbers_find(striped: Engine) -> None:
    for name, first in (("red", "red"), ("burgundy", "maroon"), ("green", "green")):
        assert ids(striped, alone(name))[0] == first


def test_the_answer_shows_the_point_and_the_palettes(striped: Engine) -> None:
    result = striped.search(alone("#cd1923"))
    assert result.colour is not None
    assert (result.colour.name, result.colour.hex) == (None, "#cd1923")
    colours = {hit.id: hit.colours for hit in result.hits}
    (red,) = colours["red"]
    assert (red.name, round(red.share, 2)) == ("red", 1.0)
    assert red.difference is not None
    assert red.difference < 2
    shares = [colour.share for colour in colours["blue-with-some-red"]]
    assert shares == sorted(shares, reverse=True)
    navy = striped.search(alone("navy")).colour
    assert navy is not None
    assert (navy.name, navy.hex) == ("navy", colour_point("navy").hex)
    plain = striped.search(Query((TextPart("thing"),)))
    assert plain.colour is None
    assert not any(hit.colours for hit in plain.hits)


def test_a_colour_alone_joins_filters_pages_and_confidence(striped: Engine) -> None:
    filtered = alone("#3c3cbe", filter={"title": {"prefix": "blue"}})
    assert set(ids(striped, filtered)) == {"blue", "blue-with-some-red"}
    within = Query((), colour=WantedColour("#cd1923", within=8, share=0.3))
    assert set(ids(striped, within)) == {"red", "red-and-blue"}
    pages = [ids(striped, alone("red", k=2, offset=start)) for start in (0, 2, 4)]
    assert [one for page in pages for one in page] == ids(striped, alone("red"))
    sure = striped.search(alone("#cd1923", min_confidence=0.5))
    assert sure.hits[0].id == "red"
    assert all((hit.confidence or 0) >= 0.5 for hit in sure.hits)
    assert 0 < len(sure.hits) < len(PRODUCTS)
    assert not striped.search(alone("#20e0e0", min_confidence=0.5)).hits


def test_the_model_is_not_asked_about_a_colour_alone(striped: Engine) -> None:
    query = alone("red", mode=SearchMode.KEYWORD)
    assert not query.needs_vector
    found = [hit.id for hit in striped.find(query, None).hits]
    assert found == ids(striped, alone("red"))


def test_many_coloured_products_are_found(striped: Engine) -> None:
    result = striped.search(alone("multicoloured"))
    assert result.hits[0].id == "red-and-blue"
    assert result.colour is not None
    assert result.colour.hex is None
    assert all(colour.difference is None for hit in result.hits for colour in hit.colours)
    with pytest.raises(QueryError, match="no single colour"):
        striped.search(Query((), colour=WantedColour("multi", within=5)))


def test_products_that_are_called_many_coloured_come_first(tmp_path: Path) -> None:
    lines = ["id,image,base_colour"]
    for name in PRODUCTS:
        drawn(name).save(tmp_path / f"{name}.png")
        lines.append(f"{name},{name}.png,{'Multi' if name == 'green' else 'Red'}")
    (tmp_path / "catalog.csv").write_text("\n".join(lines) + "\n")
    engine = build(tmp_path / "catalog.csv", tmp_path / "index")
    assert ids(engine, alone("multicoloured"))[:2] == ["green", "red-and-blue"]


def test_products_far_from_the_colour_are_suggestions(striped: Engine) -> None:
    result = striped.search(alone("#20e0e0", facets=("title",)))
    assert (result.no_match, result.total, result.hits) == (True, 0, ())
    assert {hit.id for hit in result.suggestions} == set(PRODUCTS)
    assert not any(result.facets["title"])
    near = striped.search(alone("#cd1923", facets=("title",)))
    assert not near.no_match
    sure = {hit.id for hit in near.hits if (hit.confidence or 0) >= 0.2}
    assert near.total == len(sure) == sum(count for _, count in near.facets["title"])


def test_an_unknown_colour_is_refused_everywhere(striped: Engine) -> None:
    for query in (alone("octarine"), with_colour("octarine"), with_colour("octarine", weight=0.0)):
        with pytest.raises(QueryError, match="no colour 'octarine'"):
            striped.search(query)


def confidences(engine: Engine, query: Query) -> list[float]:
    return [hit.confidence or 0.0 for hit in engine.search(query).hits]


@pytest.mark.parametrize("weight", [0.1, 0.5, 0.9, 1.0])
def test_confidence_falls_along_hits_of_words_and_a_colour(striped: Engine, weight: float) -> None:
    for text in ("thing", "blue", "red thing"):
        found = confidences(striped, with_colour("#cd1923", text, weight=weight))
        assert found == sorted(found, reverse=True)


def test_confidence_of_words_and_a_colour_is_that_both_hold(striped: Engine) -> None:
    words = {hit.id: hit.confidence for hit in striped.search(Query((TextPart("blue"),))).hits}
    colour = {hit.id: hit.confidence for hit in striped.search(alone("#cd1923")).hits}
    both = striped.search(with_colour("#cd1923", "blue"))
    for hit in both.hits:
        expected = (words[hit.id] or 0) * (colour[hit.id] or 0)
        assert hit.confidence == pytest.approx(expected, abs=1e-6)


def test_an_unwanted_colour_goes_last(striped: Engine) -> None:
    for parts in ((TextPart("thing"),), ()):
        query = Query(parts, colours=(ColourPart("#cd1923", -1.0),))
        found = ids(striped, query)
        assert sorted(found) == sorted(PRODUCTS)
        assert found[-1] == "red"
        assert found[0] in {"blue", "green"}
        order = confidences(striped, query)
        assert order == sorted(order, reverse=True)
        assert not striped.search(query).colour


def test_two_colours_are_wanted_together(striped: Engine) -> None:
    red, blue = ColourPart("#cd1923"), ColourPart("#3c3cbe")
    assert ids(striped, Query((), colours=(red, blue)))[0] == "red-and-blue"
    assert ids(striped, Query((), colours=(red, ColourPart("#3c3cbe", -1.0))))[0] == "red"
    also = replace(with_colour("#cd1923"), colours=(blue,))
    assert ids(striped, also)[0] == "red-and-blue"


@pytest.mark.parametrize("mode", SearchMode)
def test_unwanted_colours_count_in_every_mode_and_with_pictures(
    striped: Engine, mode: SearchMode
) -> None:
    not_blue = (ColourPart("#3c3cbe", -1.0),)
    by_words = Query((TextPart("blue thing"),), mode=mode, colours=not_blue)
    assert ids(striped, by_words)[0] not in {"blue", "blue-with-some-red"}
    by_picture = Query((ImagePart(drawn("blue")),), colours=not_blue)
    plain = ids(striped, replace(by_picture, colours=()))
    assert ids(striped, by_picture).index("blue") > plain.index("blue")


def test_a_part_of_no_weight_changes_nothing(striped: Engine) -> None:
    plain = Query((TextPart("blue"),))
    assert ids(striped, replace(plain, colours=(ColourPart("red", 0.0),))) == ids(striped, plain)


def test_sure_hits_of_words_and_a_colour_are_found_down_the_ranking(striped: Engine) -> None:
    query = replace(with_colour("#cd1923"), min_confidence=0.01, k=1)
    found = striped.search(query).hits
    assert [hit.id for hit in found] == ["red"]


def test_an_unknown_unwanted_colour_is_refused(striped: Engine) -> None:
    query = Query((TextPart("thing"),), colours=(ColourPart("octarine", -1.0),))
    with pytest.raises(QueryError, match="no colour 'octarine'"):
        striped.search(query)
