from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import QueryError, UnknownProductError
from indexer.index import Found
from indexer.search import Engine, seed_vectors
from indexer.search.recommendation import check_seeds, fuse

ROWS = st.lists(st.integers(0, 5), unique=True)


class Ids:
    """An index whose products are called by their rows, backwards: row 0 is "9"."""

    def ids(self, found: Sequence[Found]) -> tuple[str, ...]:
        return tuple(str(9 - hit.row) for hit in found)


def ranked(rows: Sequence[int]) -> list[Found]:
    return [Found(1 - place / 10, 0, row, 0) for place, row in enumerate(rows)]


def hits(engine: Engine, *arguments: object, **options: object) -> list[str]:
    return [hit.id for hit in engine.recommend(*arguments, **options).hits]  # type: ignore[arg-type]


def test_one_liked_product_is_a_search_for_similar_products(engine: Engine) -> None:
    assert hits(engine, ["red"]) == ["dark-red", "yellow", "green", "blue"]


def test_several_tastes_are_both_served(engine: Engine) -> None:
    # Yellow lies between red and green, and is second in both lists or better.
    assert hits(engine, ["red", "green"], k=2) == ["yellow", "dark-red"]


def test_disliked_products_push_similar_ones_down(engine: Engine) -> None:
    # Green is as near to yellow as red is, and comes after it in the index.
    assert hits(engine, ["yellow"]) == ["red", "green", "dark-red", "blue"]
    assert hits(engine, ["yellow"], ["red"]) == ["green", "dark-red", "blue"]
    assert hits(engine, ["yellow"], ["green"]) == ["red", "dark-red", "blue"]
    assert hits(engine, ["yellow"], ["dark-red"]) == ["green", "red", "blue"]


def test_seeds_are_never_returned_and_may_repeat(engine: Engine) -> None:
    assert hits(engine, ["red", "red", "blue"], ["green", "green"]) == hits(
        engine, ["red", "blue"], ["green"]
    )
    assert set(hits(engine, ["red", "blue"], ["green"])) == {"yellow", "dark-red"}


def test_filters_fields_and_the_answer(engine: Engine) -> None:
    result = engine.recommend(["red"], k=2, filter={"price": {"lt": 5}}, fields=["price"])
    assert [(hit.id, hit.fields) for hit in result.hits] == [
        ("yellow", {"price": 4.5}),
        ("green", {"price": 2.5}),
    ]
    assert (result.generation, result.model, result.facets) == (1, "fake", {})
    assert engine.recommend(["red"], k=1).hits[0].fields["title"] == "A dark-red thing"


def test_diversity_keeps_the_best_first(engine: Engine) -> None:
    plain = hits(engine, ["red"])
    diverse = hits(engine, ["red"], diversity=1.0)
    assert diverse[0] == plain[0]
    assert diverse != plain
    assert sorted(diverse) == sorted(plain)
    assert hits(engine, ["red"], k=2, diversity=1.0) == diverse[:2]


def test_seeds_that_mean_nothing_are_refused(engine: Engine) -> None:
    with pytest.raises(UnknownProductError, match="'nope', 'gone'"):
        engine.recommend(["red", "nope"], ["gone"])
    with pytest.raises(QueryError, match="one liked product or more"):
        engine.recommend([], ["red"])
    with pytest.raises(QueryError, match="Both liked and disliked: 'red'"):
        engine.recommend(["red", "blue"], ["red"])
    with pytest.raises(QueryError, match="no field"):
        engine.recommend(["red"], fields=["nope"])
    with pytest.raises(QueryError, match="0 to 1"):
        engine.recommend(["red"], diversity=2)


def test_many_unknown_ids_are_counted(engine: Engine) -> None:
    with pytest.raises(UnknownProductError, match="'0', '1', '2', '3', '4' and 15 more"):
        check_seeds(engine.index, map(str, range(20)), ())


@given(st.lists(ROWS, max_size=4))
def test_votes_by_hand(lists: list[list[int]]) -> None:
    expected = {
        row: sum(1 / (11 + rows.index(row)) for rows in lists if row in rows)
        for row in set(chain(*lists))
    }
    candidates = fuse(Ids(), [ranked(rows) for rows in lists])  # type: ignore[arg-type]
    assert {one.found.row: one.votes for one in candidates} == pytest.approx(expected)
    scores = {
        row: max(hit.score for rows in lists for hit in ranked(rows) if hit.row == row)
        for row in expected
    }
    assert {one.found.row: one.found.score for one in candidates} == scores
    keys = [(-one.votes, -one.found.score, str(9 - one.found.row)) for one in candidates]
    assert keys == sorted(keys)


def test_the_order_of_the_liked_does_not_matter(engine: Engine) -> None:
    assert hits(engine, ["red", "blue"]) == hits(engine, ["blue", "red"])


def test_seed_vectors_move_away_from_the_nearest_disliked() -> None:
    liked = np.eye(3, dtype=np.float32)[:2]
    assert seed_vectors(liked, np.empty((0, 3), np.float32)) is liked
    near, far = np.array([0.8, 0, 0.6]), np.array([0, 0, -1.0])
    moved = seed_vectors(liked, np.array([near, far], np.float32))
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-6)
    assert moved[0] @ near < liked[0] @ near - 0.1
    assert moved[0] @ liked[0] > 0.9
