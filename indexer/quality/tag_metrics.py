"""Judging tags against what is known: accuracy, answers, calibration, by group and by label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.tagging import GroupScores, parents_of
from indexer.tagging.taxonomy import Group

__all__ = ["GroupFigures", "LabelFigures", "expected_error", "judge_group", "right_labels"]

# Bins of equal width, as usual since Guo et al. 2017 (arXiv:1706.04599).
BINS = 15

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class LabelFigures:
    """How one label fares.

    Attributes:
        label: Its name.
        true: Pictures that it is true of.
        given: Pictures that it is given to, itself or by a label below it.
        right: Of those, the pictures that it is true of.
    """

    label: str
    true: int
    given: int
    right: int

    @property
    def precision(self) -> float | None:
        """Share of what it is given to that it is true of; None where it is given to nothing."""
        return self.right / self.given if self.given else None

    @property
    def recall(self) -> float | None:
        """Share of what it is true of that gets it; None where it is true of nothing."""
        return self.right / self.true if self.true else None


@dataclass(frozen=True)
class GroupFigures:
    """How one group fares on pictures of which something is known.

    Attributes:
        group: Its name.
        pictures: How many.
        answered: Share that gets a label, 0 to 1.
        accuracy: Share of these whose best label is right; NaN where nothing is answered.
        forced: Share of all whose most probable label is right, given or not.
        ece: Expected calibration error of the most probable label's probability over all.
        labels: By label, in the taxonomy's order.
        bins: Reliability: for each of `BINS` bins of probability its share of the pictures, the
            mean probability and the share that is right.
    """

    group: str
    pictures: int
    answered: float
    accuracy: float
    forced: float
    ece: float
    labels: tuple[LabelFigures, ...]
    bins: tuple[tuple[float, float, float], ...]


def right_labels(group: Group, truth: Flags) -> Flags:
    """`[n, labels]`, whether a label is right for a picture, from `[n, labels]` marks of truth.

    It is where it is marked, where a label below it is, and where a parent of it is: who said
    "footwear" did not say that it is no sandal.
    """
    right = truth.copy()
    for place in range(len(group.labels)):
        for above in group.lineage(place)[1:]:
            right[:, above] |= truth[:, place]
            right[:, place] |= truth[:, above]
    return right


def judge_group(scored: GroupScores, truth: Flags) -> GroupFigures:
    """Judge scores of pictures by `[n, labels]` marks; rows without a mark are left out."""
    group = scored.group
    known = truth.any(axis=1)
    truth, said = truth[known], scored.probabilities[known]
    best, given = scored.best[known], scored.given[known]
    right = right_labels(group, truth)
    rows = np.arange(len(truth))
    answered = best >= 0
    hits = right[rows[answered], best[answered]]
    likeliest = said.copy()
    if group.exclusive:
        likeliest[:, parents_of(group)] = -1
    top = likeliest.argmax(axis=1)
    sure, hit = said[rows, top], right[rows, top]
    error, bins = expected_error(sure, hit)
    return GroupFigures(
        group=group.name,
        pictures=len(truth),
        answered=float(answered.mean()) if len(truth) else float("nan"),
        accuracy=float(hits.mean()) if answered.any() else float("nan"),
        forced=float(hit.mean()) if len(truth) else float("nan"),
        ece=error,
        labels=_by_label(group, truth, given, right),
        bins=bins,
    )


def expected_error(
    said: NDArray[np.floating], true: Flags
) -> tuple[float, tuple[tuple[float, float, float], ...]]:
    """The expected calibration error over `BINS` bins of equal width, and the bins."""
    if not len(said):
        return float("nan"), ()
    places = np.minimum((said * BINS).astype(int), BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    sums = np.bincount(places, said, BINS)
    hits = np.bincount(places, true.astype(float), BINS)
    error = float(np.abs(sums - hits).sum() / len(said))
    shares = tuple(
        (float(count / len(said)), float(total / count), float(hit / count)) if count else (0, 0, 0)
        for count, total, hit in zip(counts, sums, hits, strict=True)
    )
    return error, shares


def _by_label(group: Group, truth: Flags, given: Flags, right: Flags) -> tuple[LabelFigures, ...]:
    widened = given.copy()
    true = truth.copy()
    for place in range(len(group.labels)):
        for above in group.lineage(place)[1:]:
            widened[:, above] |= given[:, place]
            true[:, above] |= truth[:, place]
    return tuple(
        LabelFigures(
            label.name,
            int(true[:, place].sum()),
            int(widened[:, place].sum()),
            int((widened[:, place] & right[:, place]).sum()),
        )
        for place, label in enumerate(group.labels)
    )
