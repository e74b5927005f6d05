"""Metrics of tags against known labels: accuracy, coverage and calibration, per group and label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.tagging import GroupScores, parents_of, right_labels
from indexer.tagging.taxonomy import Group

__all__ = [
    "GroupMetrics",
    "LabelMetrics",
    "evaluate_group",
    "expected_calibration_error",
]

# Bins of equal width, as usual since Guo et al. 2017 (arXiv:1706.04599).
BINS = 15

Flags = NDArray[np.bool_]
Bins = tuple[tuple[float, float, float], ...]
"""For each bin of probability: its share of the images, its mean probability, its accuracy."""


@dataclass(frozen=True)
class LabelMetrics:
    """Metrics of one label.

    Attributes:
        label: Name of the label.
        true: Number of images that it is true of.
        given: Number of images that have it, or a label below it.
        right: Number of images of both.
    """

    label: str
    true: int
    given: int
    right: int

    @property
    def precision(self) -> float | None:
        """The share of `given` that is right; None if no image has the label."""
        return self.right / self.given if self.given else None

    @property
    def recall(self) -> float | None:
        """The share of `true` that is right; None if the label is true of no image."""
        return self.right / self.true if self.true else None


@dataclass(frozen=True)
class GroupMetrics:
    """Metrics of one group, over the images with a known label.

    Attributes:
        group: Name of the group.
        pictures: Number of images.
        answered: Share of the images that get a label, 0 to 1.
        accuracy: Share of these whose best label is right; NaN if none gets a label.
        forced: Share of all images whose most probable label is right, whether given or not.
        ece: Expected calibration error of the most probable label over all images.
        labels: Metrics of each label, in the taxonomy's order.
        bins: Reliability in each of `BINS` bins of probability.
    """

    group: str
    pictures: int
    answered: float
    accuracy: float
    forced: float
    ece: float
    labels: tuple[LabelMetrics, ...]
    bins: Bins


def evaluate_group(scored: GroupScores, truth: Flags) -> GroupMetrics:
    """Compare scores with known labels.

    Args:
        scored: Scores of n images.
        truth: `[n, labels]`, the labels known to be true; images without any are left out.
    """
    group = scored.group
    known = truth.any(axis=1)
    truth, probabilities = truth[known], scored.probabilities[known]
    best, given = scored.best[known], scored.given[known]
    right = right_labels(group, truth)
    rows = np.arange(len(truth))
    answered = best >= 0
    hits = right[rows[answered], best[answered]]
    leaves = probabilities.copy()
    if group.exclusive:
        leaves[:, parents_of(group)] = -1
    top = leaves.argmax(axis=1)
    top_probability, top_right = probabilities[rows, top], right[rows, top]
    error, bins = expected_calibration_error(top_probability, top_right)
    return GroupMetrics(
        group=group.name,
        pictures=len(truth),
        answered=float(answered.mean()) if len(truth) else float("nan"),
        accuracy=float(hits.mean()) if answered.any() else float("nan"),
        forced=float(top_right.mean()) if len(truth) else float("nan"),
        ece=error,
        labels=_by_label(group, truth, given, right),
        bins=bins,
    )


def expected_calibration_error(
    probabilities: NDArray[np.floating], right: Flags
) -> tuple[float, Bins]:
    """Compute the expected calibration error over `BINS` bins of equal width, and the bins."""
    count = len(probabilities)
    if not count:
        return float("nan"), ()
    places = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    counts = np.bincount(places, minlength=BINS)
    sums = np.bincount(places, probabilities, BINS)
    hits = np.bincount(places, right.astype(float), BINS)
    error = float(np.abs(sums - hits).sum() / count)
    bins = tuple(
        (float(size / count), float(total / size), float(hit / size)) if size else (0, 0, 0)
        for size, total, hit in zip(counts, sums, hits, strict=True)
    )
    return error, bins


def _by_label(group: Group, truth: Flags, given: Flags, right: Flags) -> tuple[LabelMetrics, ...]:
    """Count each label; an image with a label below it counts too."""
    widened, true = given.copy(), truth.copy()
    for place in range(len(group.labels)):
        for above in group.lineage(place)[1:]:
            widened[:, above] |= given[:, place]
            true[:, above] |= truth[:, place]
    return tuple(
        LabelMetrics(
            label.name,
            int(true[:, place].sum()),
            int(widened[:, place].sum()),
            int((widened[:, place] & right[:, place]).sum()),
        )
        for place, label in enumerate(group.labels)
    )
