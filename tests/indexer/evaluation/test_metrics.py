from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.evaluation import Estimate
from indexer.evaluation.metrics import (
    bootstrap,
    metric_names,
    query_metrics,
    summarise,
    summarise_groups,
)

GAINS = st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), max_size=30)


def discounted(gains: list[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


def test_known_answer() -> None:
    # Relevant at ranks 2 and 5 of five hits, a third one never found.
    recall, precision, mrr, ndcg = query_metrics([0, 1, 0, 0, 1], [1, 1, 1], 4)
    assert (recall, precision, mrr) == (1 / 3, 1 / 4, 1 / 2)
    assert ndcg == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3) + 1 / 2))


def test_fewer_hits_than_k() -> None:
    recall, precision, mrr, ndcg = query_metrics([1, 0], [1], 10)
    assert (recall, precision, mrr, ndcg) == (1, 0.1, 1, 1)


@pytest.mark.parametrize(("gains", "ideal"), [([0, 0], []), ([], []), ([0, 0], [1]), ([], [2])])
def test_nothing_relevant_or_nothing_found(gains: list[float], ideal: list[float]) -> None:
    assert query_metrics(gains, ideal, 3).tolist() == [0, 0, 0, 0]


def test_mrr_looks_past_k_and_the_others_do_not() -> None:
    assert query_metrics([0] * 10 + [1], [1], 10).tolist() == [0, 0, 1 / 11, 0]


def test_graded_relevance() -> None:
    # The better product second: the gains count as they are, in nDCG alone.
    recall, precision, mrr, ndcg = query_metrics([1, 3, 0], [3, 1], 2)
    assert (recall, precision, mrr) == (1, 1, 1)
    assert ndcg == pytest.approx(discounted([1, 3]) / discounted([3, 1]))


def test_ties_among_the_relevant_cost_nothing() -> None:
    # Equal gains, before and after a place that is wrong.
    assert query_metrics([2, 2, 0], [2, 2], 3)[3] == pytest.approx(1.0)
    assert query_metrics([2, 0, 2], [2, 2], 3)[3] == pytest.approx(1.5 / (1 + 1 / math.log2(3)))


@given(GAINS, st.integers(1, 12))
def test_metrics_stay_between_0_and_1(gains: list[float], k: int) -> None:
    values = query_metrics(gains, [gain for gain in gains if gain > 0], k)
    assert (values >= 0).all()
    assert (values <= 1 + 1e-12).all()


@given(GAINS.filter(any), st.integers(1, 12))
def test_a_perfect_ranking_is_worth_1(gains: list[float], k: int) -> None:
    relevant = sorted((gain for gain in gains if gain > 0), reverse=True)
    recall, precision, mrr, ndcg = query_metrics(relevant + [0.0] * 5, relevant, k)
    assert recall == pytest.approx(min(1, k / len(relevant)))
    assert precision == pytest.approx(min(1, len(relevant) / k))
    assert (mrr, ndcg) == (1, pytest.approx(1))


@given(GAINS, st.integers(1, 12), st.integers(0, 28))
def test_a_swap_towards_the_front_never_costs(gains: list[float], k: int, place: int) -> None:
    ideal = [gain for gain in gains if gain > 0]
    better = list(gains)
    if place + 1 < len(gains) and gains[place] < gains[place + 1]:
        better[place], better[place + 1] = gains[place + 1], gains[place]
    change = query_metrics(better, ideal, k) - query_metrics(gains, ideal, k)
    assert (change >= -1e-12).all()


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=40))
def test_intervals_hold_the_mean(rows: list[list[float]]) -> None:
    values = np.array(rows)
    for column, estimate in enumerate(bootstrap(values)):
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.value == pytest.approx(values[:, column].mean())
        assert values[:, column].min() - 1e-9 <= estimate.low
        assert estimate.high <= values[:, column].max() + 1e-9


def test_intervals_are_those_of_the_normal_distribution_where_it_holds() -> None:
    values = np.random.default_rng(5).normal(0.5, 0.1, (400, 1))
    (estimate,) = bootstrap(values)
    half = 1.96 * values.std() / 20
    assert estimate.low == pytest.approx(values.mean() - half, abs=half / 10)
    assert estimate.high == pytest.approx(values.mean() + half, abs=half / 10)


def test_intervals_are_the_same_every_time_and_do_not_depend_on_other_columns() -> None:
    values = np.random.default_rng(0).random((50, 3))
    assert bootstrap(values) == bootstrap(values)
    (alone,) = bootstrap(values[:, 1:2])
    assert astuple(alone) == pytest.approx(astuple(bootstrap(values)[1]))


def test_intervals_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random((50, 2))
    whole = bootstrap(values)
    monkeypatch.setattr("indexer.evaluation.metrics._BLOCK", 777)
    assert bootstrap(values) == whole


def test_paired_differences_are_told_apart_where_means_are_not() -> None:
    rng = np.random.default_rng(1)
    hard = rng.random(60)
    one, other = hard[:, None] * 0.9, hard[:, None] * 0.9 + 0.02
    (first,), (second,), (difference,) = bootstrap(one), bootstrap(other), bootstrap(other - one)
    assert first.high > second.low
    assert difference.low > 0


def test_groups() -> None:
    values = np.array([[1.0], [0.0], [1.0], [0.5]])
    groups = summarise_groups(values, ["b", "a", None, "b"], ["mrr"])
    assert list(groups) == ["a", "b"]
    assert groups["a"].queries == 1
    assert groups["a"].metrics["mrr"] == Estimate(0, 0, 0)
    assert groups["b"].metrics["mrr"].value == 0.75
    assert summarise(values, ["mrr"]).queries == 4


def test_names() -> None:
    assert metric_names(10) == ("recall@10", "precision@10", "mrr", "ndcg@10")
