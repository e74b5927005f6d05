"""What hits share with the query, over images whose colours are known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from indexer.colours import ciede2000, colour_of
from indexer.search import Engine, ImagePart, LikePart, Query, TextPart
from tests.support.striped_products import drawn


def test_hits_are_explained_by_shared_colours(striped: Engine) -> None:
    query = Query((TextPart("a Red thing"),), explain=True)
    result = striped.search(query)
    why = {hit.id: one for hit, one in zip(result.hits, result.explanations, strict=True)}
    assert [colour.name for colour in why["red"].colours] == ["red"]
    assert why["red"].colours[0].share == pytest.approx(1, abs=0.01)
    assert ciede2000(colour_of(why["red"].colours[0].colour), colour_of("#cd1923")) < 3
    assert [colour.name for colour in why["red-and-blue"].colours] == ["red"]
    assert why["green"].colours == ()


@pytest.mark.parametrize("by", ["image", "product"])
def test_images_and_products_share_the_colours_that_they_have(striped: Engine, by: str) -> None:
    part = ImagePart(drawn("blue")) if by == "image" else LikePart("blue")
    result = striped.search(Query((part,), explain=True))
    why = {hit.id: one for hit, one in zip(result.hits, result.explanations, strict=True)}
    assert [colour.name for colour in why["red-and-blue"].colours] == ["blue"]
    assert not why["green"].colours
    pushed = striped.search(Query((replace(part, weight=-1.0), TextPart("thing")), explain=True))
    assert not any(one.colours for one in pushed.explanations)


def test_nothing_is_explained_unless_requested(striped: Engine) -> None:
    assert striped.search(Query((TextPart("red"),))).explanations == ()
