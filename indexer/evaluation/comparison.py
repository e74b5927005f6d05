"""What an evaluation says: figures overall and by group, and how two rankings differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.evaluation.metrics import Summary, Values, metric_names, summarise, summarise_groups
from indexer.evaluation.runner import Judgement, Outcome

__all__ = ["Change", "Comparison", "Figures", "compare", "figures_of", "worst"]

# By nDCG, which sees every place; recall and precision see none within the first k.
_BY_NDCG = 3


@dataclass(frozen=True)
class Figures:
    """Figures of one ranking, or differences between two.

    Attributes:
        overall: Of all queries.
        kinds: Of those by text, by picture, and mixed.
        categories: Of each category, for queries that have one.
    """

    overall: Summary
    kinds: Mapping[str, Summary]
    categories: Mapping[str, Summary]


@dataclass(frozen=True)
class Change:
    """A query that two rankings answer differently.

    Attributes:
        before: What the other ranking made of it.
        after: What this ranking made of it.
        difference: `[4]`, in the order of `metric_names`: after less before.
    """

    before: Outcome
    after: Outcome
    difference: Values


@dataclass(frozen=True)
class Comparison:
    """Two rankings of the same queries.

    Attributes:
        differences: This one's figures less the other's, with paired intervals: one that does not
            hold 0 is a difference that other queries of this kind would show too.
        better: How many queries have a higher nDCG.
        worse: How many have a lower one.
        changed: The queries that changed most in nDCG, greatest change first.
    """

    differences: Figures
    better: int
    worse: int
    changed: tuple[Change, ...]


def figures_of(judgement: Judgement, k: int) -> Figures:
    """The figures of one ranking; it has judged one query or more."""
    return _figures(judgement.outcomes, _values(judgement.outcomes), k)


def compare(before: Judgement, after: Judgement, k: int, most: int = 20) -> Comparison:
    """How a ranking differs from another one of the same queries.

    Args:
        before: The other ranking.
        after: This ranking; both as `judge` gives them together, one query or more.
        k: As they were judged.
        most: How many of the changed queries are wanted.
    """
    differences = _values(after.outcomes) - _values(before.outcomes)
    by_ndcg = differences[:, _BY_NDCG]
    order = np.argsort(-np.abs(by_ndcg), kind="stable")[:most]
    changed = tuple(
        Change(before.outcomes[at], after.outcomes[at], differences[at])
        for at in order
        if by_ndcg[at] != 0.0
    )
    return Comparison(
        _figures(after.outcomes, differences, k),
        int(np.count_nonzero(by_ndcg > 0)),
        int(np.count_nonzero(by_ndcg < 0)),
        changed,
    )


def worst(judgement: Judgement, most: int = 20) -> tuple[Outcome, ...]:
    """The queries of lowest nDCG, lowest first; those without a fault are left out."""
    values = _values(judgement.outcomes)[:, _BY_NDCG]
    order = np.argsort(values, kind="stable")[:most]
    return tuple(judgement.outcomes[at] for at in order if values[at] < 1.0)


def _values(outcomes: Sequence[Outcome]) -> Values:
    return np.stack([outcome.values for outcome in outcomes])


def _figures(outcomes: Sequence[Outcome], values: Values, k: int) -> Figures:
    names = metric_names(k)
    kinds = [str(outcome.query.asked_by) for outcome in outcomes]
    categories = [outcome.query.category for outcome in outcomes]
    return Figures(
        summarise(values, names),
        summarise_groups(values, kinds, names),
        summarise_groups(values, categories, names),
    )
