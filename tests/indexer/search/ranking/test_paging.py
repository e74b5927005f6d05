"""Pages of hits: thinned out by confidence and grouped first, counted off then."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from embeddings import FakeEncoder
from indexer import QueryError
from indexer.build import BuildOptions, build_index
from indexer.search import Engine, LikePart, Query, SearchMode, TextPart
from indexer.search.ranking import paging
from indexer.search.ranking.grouping import SAME_COSINE, group_places

# In a row, 2.3 degrees apart: those up to three steps apart are nearly the same.
SHADES = 40


@pytest.fixture(scope="module")
def shades(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Forty products from red to green by equal angles, two of a style, in an order of chance."""
    folder = tmp_path_factory.mktemp("shades")
    rows = []
    for number in np.random.default_rng(5).permutation(SHADES).tolist():
        angle = number * (np.pi / 2) / (SHADES - 1)
        colour = (round(255 * np.cos(angle)), round(255 * np.sin(angle)), 0)
        Image.new("RGB", (8, 8), colour).save(folder / f"{number}.png")
        row = {"id": f"{number:02}", "image": f"{number}.png", "title": f"shade {number % 3}"}
        rows.append(json.dumps(row | ({"style": number // 2} if number < 30 else {})))
    (folder / "c.jsonl").write_text("\n".join(rows), "utf-8")
    options = BuildOptions(workers=0, text_weight=0.0)
    build_index(folder / "c.jsonl", folder / "index", FakeEncoder(), options)
    return Engine.open(folder / "index", FakeEncoder())


QUERIES = st.builds(
    Query,
    parts=st.sampled_from([(TextPart("red shade 1"),), (LikePart("17"),)]),
    mode=st.sampled_from([SearchMode.VECTOR, SearchMode.HYBRID]),
    min_confidence=st.sampled_from([0.0, 0.3, 0.8]),
    diversity=st.sampled_from([0.0, 0.4]),
    group=st.sampled_from([False, True, "style", "title"]),
    fields=st.just(()),
)


@settings(deadline=None, max_examples=60)
@given(QUERIES, st.integers(1, 12))
def test_pages_join_into_the_whole(shades: Engine, query: Query, size: int) -> None:
    whole = shades.search(replace(query, k=1000)).hits
    pages = (
        shades.search(replace(query, k=size, offset=offset)).hits
        for offset in range(0, SHADES + size, size)
    )
    assert [hit.id for hit in chain.from_iterable(pages)] == [hit.id for hit in whole]


@settings(deadline=None, max_examples=60)
@given(QUERIES)
def test_groups_hold_every_sure_product_once(shades: Engine, query: Query) -> None:
    whole = shades.search(replace(query, k=1000)).hits
    plain = shades.search(replace(query, k=1000, group=False)).hits
    assert sorted(chain(*((hit.id, *hit.grouped) for hit in whole))) == sorted(h.id for h in plain)
    places = {hit.id: place for place, hit in enumerate(plain)}
    assert [hit.id for hit in whole] == sorted((hit.id for hit in whole), key=places.__getitem__)
    for hit in whole:
        assert [places[hit.id], *map(places.__getitem__, hit.grouped)] == sorted(
            places[member] for member in (hit.id, *hit.grouped)
        )


def test_pictures_are_the_same_from_a_cosine_on(shades: Engine) -> None:
    hits = shades.search(Query((TextPart("red"),), k=1000, group=True)).hits
    assert len(hits) < SHADES

    def cosine(one: str, other: str) -> float:
        return float(shades.index.vector(one) @ shades.index.vector(other))

    for place, hit in enumerate(hits):
        assert all(cosine(hit.id, member) >= SAME_COSINE - 1e-6 for member in hit.grouped)
        # What begins a group resembles no best one before it, though it may a member.
        assert all(cosine(hit.id, before.id) < SAME_COSINE for before in hits[:place])


def test_a_field_groups_what_has_a_value(shades: Engine) -> None:
    hits = shades.search(Query((LikePart("00"),), k=1000, group="style")).hits
    groups = [{hit.id, *hit.grouped} for hit in hits]
    assert {"01"} in groups  # its like, 00, is not among the hits
    assert {"02", "03"} in groups
    assert all({f"{number}"} in groups for number in range(30, 40))


def test_one_value_for_all_is_one_hit(shades: Engine) -> None:
    hits = shades.search(Query((TextPart("green"),), k=3, group="title")).hits
    assert sorted(hit.fields["title"] for hit in hits) == ["shade 0", "shade 1", "shade 2"]
    assert sum(len(hit.grouped) for hit in hits) == SHADES - 3
    assert shades.search(Query((TextPart("green"),), k=3, offset=3, group="title")).hits == ()


def test_a_page_of_sure_hits_is_full(shades: Engine) -> None:
    """Words put unsure hits before sure ones; the page has k sure ones all the same."""
    query = Query((TextPart("shade 1"), LikePart("20")), k=1000, mode=SearchMode.HYBRID)
    every = shades.search(query).hits
    sure = sorted(hit.confidence or 0 for hit in every)[SHADES // 2]
    wanted = [hit.id for hit in every if (hit.confidence or 0) >= sure]
    assert wanted != [hit.id for hit in every[: len(wanted)]]
    for size in (1, 5, len(wanted)):
        found = shades.search(replace(query, k=size, min_confidence=sure)).hits
        assert [hit.id for hit in found] == wanted[:size]


def test_an_unknown_field_to_group_by_is_refused(shades: Engine) -> None:
    with pytest.raises(QueryError, match=r"no field 'parent'.*style"):
        shades.search(Query((TextPart("red"),), group="parent"))


def test_a_ranking_is_looked_down_so_far(shades: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    index = shades.index
    order = index.nearest(index.vector("00"), SHADES)

    def ranking(count: int) -> list[object]:
        asked.append(count)
        return list((order * 1000)[:count])

    query = Query((LikePart("00"),), k=3, group="title")
    monkeypatch.setattr(paging, "DEEPEST", 3000)
    paging.choose(index, replace(query, k=30), ranking, None)  # type: ignore[arg-type]
    assert asked == [128, 512, 2048, 3000]
    asked.clear()
    paging.choose(index, query, ranking, None)  # type: ignore[arg-type]
    assert asked == [128]
    asked.clear()
    paging.choose(index, replace(query, group=False), ranking, None)  # type: ignore[arg-type]
    assert asked == [3]


def test_pages_of_an_approximate_index_look_equally_far(
    shades: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def ranking(count: int) -> list[object]:
        asked.append(count)
        return []

    monkeypatch.setattr(paging, "index_kind", lambda manifest: "hnsw")
    for offset in (0, 20, 40, 60, 220, 1000, 20_000):
        query = Query((LikePart("00"),), k=20, offset=offset)
        paging.choose(shades.index, query, ranking, None)  # type: ignore[arg-type]
    assert asked == [64, 64, 64, 256, 256, 1024, 20_020]


def test_nothing_found_has_no_groups(shades: Engine) -> None:
    for by in (False, True, "style"):
        assert group_places(shades.index, [], by) == []
