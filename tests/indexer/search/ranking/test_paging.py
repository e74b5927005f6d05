"""Pages of hits: filtered by confidence and grouped, then counted off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.index import Found
from indexer.search import Engine, LikePart, Query, SearchMode, TextPart
from indexer.search.ranking import paging
from tests.indexer.search.ranking.conftest import SHADES

QUERIES = st.builds(
    Query,
    parts=st.sampled_from([(TextPart("red shade 1"),), (LikePart("17"),)]),
    mode=st.sampled_from([SearchMode.VECTOR, SearchMode.HYBRID]),
    min_confidence=st.sampled_from([0.0, 0.3, 0.8]),
    diversity=st.sampled_from([0.0, 0.4]),
    group=st.sampled_from([False, True, "style", "title"]),
    fields=st.just(()),
)


@given(QUERIES, st.integers(1, 12))
def test_pages_join_into_the_whole(shades: Engine, query: Query, size: int) -> None:
    whole = shades.search(replace(query, k=1000)).hits
    pages = (
        shades.search(replace(query, k=size, offset=offset)).hits
        for offset in range(0, SHADES + size, size)
    )
    assert [hit.id for hit in chain.from_iterable(pages)] == [hit.id for hit in whole]


@given(QUERIES)
def test_groups_hold_every_confident_product_once(shades: Engine, query: Query) -> None:
    whole = shades.search(replace(query, k=1000)).hits
    plain = shades.search(replace(query, k=1000, group=False)).hits
    assert sorted(chain(*((hit.id, *hit.grouped) for hit in whole))) == sorted(h.id for h in plain)
    places = {hit.id: place for place, hit in enumerate(plain)}
    assert [hit.id for hit in whole] == sorted((hit.id for hit in whole), key=places.__getitem__)
    for hit in whole:
        members = [places[member] for member in (hit.id, *hit.grouped)]
        assert members == sorted(members)


def test_a_page_of_confident_hits_is_full(shades: Engine) -> None:
    """However many hits are dropped, the page has k that are left."""
    query = Query((TextPart("shade 1"), LikePart("20")), k=1000, mode=SearchMode.HYBRID)
    every = shades.search(query).hits
    least = sorted(hit.confidence or 0 for hit in every)[len(every) // 2]
    wanted = [hit.id for hit in every if (hit.confidence or 0) >= least]
    assert 0 < len(wanted) < len(every)
    for size in (1, 5, len(wanted)):
        found = shades.search(replace(query, k=size, min_confidence=least)).hits
        assert [hit.id for hit in found] == wanted[:size]


def recording(order: list[Found], depths: list[int]) -> Callable[[int], list[Found]]:
    """A ranking that notes how many products it is asked for."""

    def ranking(count: int) -> list[Found]:
        depths.append(count)
        return order[:count]

    return ranking


@pytest.mark.parametrize(
    ("k", "group", "expected"),
    [(30, "title", [128, 512, 2048, 3000]), (3, "title", [128]), (3, False, [3])],
)
def test_a_ranking_is_read_further_until_the_page_is_full(
    shades: Engine,
    monkeypatch: pytest.MonkeyPatch,
    k: int,
    group: bool | str,
    expected: list[int],
) -> None:
    monkeypatch.setattr(paging, "MAX_DEPTH", 3000)
    order = shades.index.nearest(shades.index.vector("00"), SHADES) * 1000
    depths: list[int] = []
    query = Query((LikePart("00"),), k=k, group=group)
    page = paging.page_of(shades.index, query, recording(order, depths), None)
    assert depths == expected
    assert [hit.found for hit in page] == order[:3]  # there are three titles


def test_pages_of_an_approximate_index_read_equally_far(
    shades: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    depths: list[int] = []
    monkeypatch.setattr(paging, "index_kind", lambda manifest: "hnsw")
    for offset in (0, 20, 40, 60, 220, 1000, 20_000):
        query = Query((LikePart("00"),), k=20, offset=offset)
        assert paging.page_of(shades.index, query, recording([], depths), None) == []
    assert depths == [64, 64, 64, 256, 256, 1024, 20_020]
