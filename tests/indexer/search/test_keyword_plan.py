"""What the words of a query find: spellings, codes and ids, and whatever people type."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from indexer.retrieval import idf
from indexer.search import Engine, ImagePart, Parse, SearchMode, TextPart
from indexer.search.keyword_plan import KeywordPlan
from tests.support.search_catalogs import search


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shoes", ["AB-1234/X", "b3"]),
        ("NIKE", ["b2", "AB-1234/X"]),
        ("navy nike shoes", ["AB-1234/X", "b3", "b2"]),
        ("nike shirt red", ["b2", "AB-1234/X", "b4", "Zoë 🙂"]),
        ("man", ["AB-1234/X"]),
        ("nike XJ-9000", ["b3", "b2", "AB-1234/X"]),
        ("zoe", ["Zoë 🙂"]),
        ("Zoë 🙂", ["Zoë 🙂"]),
        ("裙子", ["b6"]),
        ("蓝", ["b6"]),
        ("runing", ["AB-1234/X", "b3"]),
        ("nkie shrit", ["b2", "AB-1234/X"]),
        ("skirt", ["Zoë 🙂", "b2"]),
        ("xj9001", []),
        ("for", ["b4"]),
        ("the of with", []),
        ("", []),
        ("!? -- 🙂 \ud800", []),
        ('title:nike AND (NOT "puma', ["b2", "AB-1234/X"]),
    ],
)
def test_what_words_find_in_order(shop: Engine, text: str, expected: list[str]) -> None:
    assert search(shop, text) == expected


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("ab-1234/x", ["AB-1234/X", "b4"]),
        ("AB1234X", ["AB-1234/X", "b4"]),
        ("ab 1234 x", ["AB-1234/X", "b4"]),
        ("xj9000", ["b3"]),
        ("XJ 9000", ["b3"]),
    ],
)
def test_codes_are_found_however_they_are_written(
    shop: Engine, text: str, first: list[str]
) -> None:
    assert search(shop, text)[: len(first)] == first


def test_terms_weigh_by_their_rarity_when_ranking_and_the_same_when_fusing(shop: Engine) -> None:
    indexes = [segment.keywords for segment in shop.index.segments]
    plan = KeywordPlan(indexes, [("nike puma", 1.0)])  # type: ignore[arg-type]
    nike, puma = plan.ranking_terms(0)
    # One segment: BM25's own idf is that of the whole index, so weights need no correction.
    assert (nike.word, nike.weight, nike.count) == ("nike", 1.0, 100.0)
    assert (puma.word, puma.weight, puma.count) == ("puma", 1.0, 100.0)
    nike, puma = plan.fusion_terms(0)
    assert nike.weight * idf(2, 6) == pytest.approx(1)
    assert puma.weight * idf(1, 6) == pytest.approx(1)
    assert nike.count == puma.count == 1.0
    assert not KeywordPlan(indexes, [("zzzzzz", 1.0)])  # type: ignore[arg-type]


@given(text=st.text(), mode=st.sampled_from([SearchMode.KEYWORD, SearchMode.HYBRID]))
@example(text="\ud800", mode=SearchMode.KEYWORD)
@example(text="a" * 100_000, mode=SearchMode.KEYWORD)
@example(text="é" * 5000 + " 1" * 5000, mode=SearchMode.HYBRID)
@example(text=" ".join(f"{n}a-{n}" for n in range(200_000)), mode=SearchMode.KEYWORD)
@example(text="-nike +shoe \\ /.*/ [a TO b] ~2 ^9 \x00", mode=SearchMode.HYBRID)
def test_no_text_is_wrong(shop: Engine, text: str, mode: SearchMode) -> None:
    # The encoder is not tested here: a text without letters it knows would cancel out.
    image = ImagePart(Image.new("RGB", (2, 2), (9, 9, 200)))
    found = search(shop, image, TextPart(text, 1e-6), mode=mode, parse=Parse.OFF)
    everything = {"AB-1234/X", "b2", "b3", "b4", "Zoë 🙂", "b6"}
    assert set(found) == everything if mode is SearchMode.HYBRID else set(found) <= everything
    assert len(found) == len(set(found))
