from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import QueryError, UnknownProductError
from indexer.index import Match
from indexer.search import Engine, voters
from indexer.search.recommend import check_seeds, tally

IDS = st.lists(st.sampled_from("abcdef"), unique=True)


def ranked(ids: Sequence[str]) -> list[Match]:
    return [Match(name, 1 - place / 10, 0, {}) for place, name in enumerate(ids)]


def hits(engine: Engine, *arguments: object, **options: object) -> list[str]:
    return [hit.id for hit in engine.recommend(*arguments, **options).hits]  # type: ignore[arg-type]


def test_one_liked_product_is_a_search_for_its_like(engine: Engine) -> None:
    assert hits(engine, ["red"]) == ["dark-red", "yellow", "green", "blue"]


def test_several_tastes_are_both_served(engine: Engine) -> None:
    # Yellow lies between red and green, and is on both lists in the second place at worst.
    assert hits(engine, ["red", "green"], k=2) == ["yellow", "dark-red"]


def test_what_is_disliked_is_kept_away(engine: Engine) -> None:
    # As near to yellow as red, and before green in the index.
    assert hits(engine, ["yellow"]) == ["red", "green", "dark-red", "blue"]
    assert hits(engine, ["yellow"], ["red"]) == ["green", "dark-red", "blue"]
    assert hits(engine, ["yellow"], ["green"]) == ["red", "dark-red", "blue"]
    assert hits(engine, ["yellow"], ["dark-red"]) == ["green", "red", "blue"]


def test_seeds_are_never_returned_and_may_repeat(engine: Engine) -> None:
    assert hits(engine, ["red", "red", "blue"], ["green", "green"]) == hits(
        engine, ["red", "blue"], ["green"]
    )
    assert set(hits(engine, ["red", "blue"], ["green"])) == {"yellow", "dark-red"}


def test_filter_fields_and_k(engine: Engine) -> None:
    result = engine.recommend(["red"], k=2, filter={"price": {"lt": 5}}, fields=["price"])
    assert [hit.fields for hit in result.hits] == [{"price": 4.5}, {"price": 2.5}]
    assert [hit.id for hit in result.hits] == ["yellow", "green"]
    assert (result.generation, result.model) == (1, "fake")
    assert engine.recommend(["red"], k=1).hits[0].fields["title"] == "A dark-red thing"


def test_diversity_keeps_the_best_first(engine: Engine) -> None:
    plain = hits(engine, ["red"])
    assert hits(engine, ["red"], diversity=1.0)[0] == plain[0]
    assert hits(engine, ["red"], diversity=1.0) != plain
    assert hits(engine, ["red"], k=2, diversity=1.0) == hits(engine, ["red"], diversity=1.0)[:2]


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
    with pytest.raises(UnknownProductError, match="and 15 more"):
        check_seeds(engine.index, map(str, range(20)), ())


@given(st.lists(IDS, max_size=4))
def test_votes_by_hand(lists: list[list[str]]) -> None:
    expected = {
        name: sum(1 / (11 + ids.index(name)) for ids in lists if name in ids)
        for name in "abcdef"
        if any(name in ids for ids in lists)
    }
    found = tally([ranked(ids) for ids in lists])
    assert {ballot.match.id: ballot.votes for ballot in found} == pytest.approx(expected)
    votes = [ballot.votes for ballot in found]
    assert votes == sorted(votes, reverse=True)
    for ballot in found:
        scores = [m.score for ids in lists for m in ranked(ids) if m.id == ballot.match.id]
        assert ballot.match.score == max(scores)


def test_the_order_of_the_liked_does_not_matter(engine: Engine) -> None:
    assert hits(engine, ["red", "blue"]) == hits(engine, ["blue", "red"])


def test_voters_move_away_from_the_nearest_disliked() -> None:
    liked = np.eye(3, dtype=np.float32)[:2]
    assert voters(liked, np.empty((0, 3), np.float32)) is liked
    near, far = np.array([0.8, 0, 0.6]), np.array([0, 0, -1.0])
    moved = voters(liked, np.array([near, far], np.float32))
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-6)
    assert moved[0] @ near < liked[0] @ near - 0.1
    assert moved[0] @ liked[0] > 0.9
