from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings import FloatArray
from indexer import QueryError
from indexer.search import Engine, Query, TextPart
from indexer.search.ranking import diverse_order, diversify, paging


def scaled(values: FloatArray) -> FloatArray:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def by_hand(relevance: FloatArray, vectors: FloatArray, diversity: float) -> list[int]:
    """MMR as the paper writes it, with nothing kept from step to step."""
    relevance, cosines = scaled(relevance), scaled(vectors @ vectors.T)
    chosen = [int(np.argmax(relevance))]
    left = [row for row in range(len(relevance)) if row not in chosen]
    while left:
        worth = [
            (1 - diversity) * relevance[row] - diversity * max(cosines[row, c] for c in chosen)
            for row in left
        ]
        chosen.append(left.pop(int(np.argmax(worth))))
    return chosen


def candidates(seed: int, count: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.sort(rng.random(count).astype(np.float32))[::-1], vectors


@given(st.integers(0, 10_000), st.integers(1, 25), st.floats(0.05, 1.0))
def test_the_order_is_the_papers(seed: int, count: int, diversity: float) -> None:
    relevance, vectors = candidates(seed, count)
    assert diverse_order(relevance, vectors, diversity).tolist() == by_hand(
        relevance, vectors, diversity
    )


@given(st.integers(0, 10_000), st.integers(0, 25), st.floats(0, 1))
def test_every_candidate_once_and_the_best_first(seed: int, count: int, diversity: float) -> None:
    relevance, vectors = candidates(seed, count)
    order = diverse_order(relevance, vectors, diversity).tolist()
    assert sorted(order) == list(range(count))
    assert order[:1] == [0][:count]


@given(st.integers(0, 10_000), st.integers(1, 25))
def test_no_diversity_is_the_plain_ranking(seed: int, count: int) -> None:
    relevance, vectors = candidates(seed, count)
    assert diverse_order(relevance, vectors, 0.0).tolist() == list(range(count))


def test_a_twin_is_pushed_behind_what_is_different() -> None:
    relevance = np.array([0.32, 0.319, 0.25, 0.2], np.float32)
    unlike = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    assert diverse_order(relevance, unlike, 0.6).tolist() == [0, 2, 3, 1]
    fan = np.array([[1, 0], [1, 0], [0.6, 0.8], [0, 1]], np.float32)
    assert diverse_order(relevance, fan, 1.0).tolist() == [0, 3, 2, 1]


def test_equal_candidates_keep_their_order() -> None:
    same = np.tile(np.array([[1, 0]], np.float32), (4, 1))
    assert diverse_order(np.ones(4, np.float32), same, 0.7).tolist() == [0, 1, 2, 3]


def hits(engine: Engine, query: Query) -> list[str]:
    return [hit.id for hit in engine.search(query).hits]


RED = Query(parts=(TextPart("red"),), k=5)


def test_diversity_in_a_search(engine: Engine) -> None:
    assert hits(engine, RED) == ["red", "dark-red", "yellow", "green", "blue"]
    diverse = hits(engine, replace(RED, diversity=0.9))
    assert diverse[0] == "red"
    assert diverse[-1] == "dark-red"  # the same colour as the first


@pytest.mark.parametrize("diversity", [0.0, 0.3, 1.0])
def test_pages_join_whatever_their_size(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, diversity: float
) -> None:
    for depth in (3, 200):
        monkeypatch.setattr("indexer.search.ranking.diversity.DIVERSITY_DEPTH", depth)
        monkeypatch.setattr(paging, "DIVERSITY_DEPTH", depth)
        whole = hits(engine, replace(RED, diversity=diversity))
        for size in (1, 2, 3):
            pages = [
                hits(engine, replace(RED, diversity=diversity, k=size, offset=offset))
                for offset in range(0, 6, size)
            ]
            assert [hit for page in pages for hit in page] == whole


def test_hits_beyond_the_depth_keep_their_places(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = engine.index.nearest(engine.embed(RED.parts), 5)
    relevance = np.array([hit.score for hit in found], np.float32)
    # Green lies further from red than dark-red and yellow do.
    assert diversify(engine.index, found, relevance, 1.0)[:2] == [0, 3]
    monkeypatch.setattr("indexer.search.ranking.diversity.DIVERSITY_DEPTH", 3)
    assert diversify(engine.index, found, relevance, 1.0) == [0, 2, 1, 3, 4]
    assert diversify(engine.index, found, relevance, 0.0) == [0, 1, 2, 3, 4]


def test_diverse_hits_carry_the_requested_fields(engine: Engine) -> None:
    query = replace(RED, k=2, offset=1, diversity=0.9, fields=("price",))
    found = engine.search(query).hits
    assert [set(hit.fields) for hit in found] == [{"price"}, {"price"}]
    assert set(engine.search(replace(query, fields=None)).hits[0].fields) == {"title", "price"}
    with pytest.raises(QueryError, match="no field 'nope'"):
        engine.search(replace(query, fields=("nope",)))


@pytest.mark.parametrize("diversity", [-0.1, 1.1, float("nan")])
def test_a_diversity_out_of_range_is_refused(engine: Engine, diversity: float) -> None:
    with pytest.raises(QueryError, match="0 to 1"):
        engine.search(replace(RED, diversity=diversity))
