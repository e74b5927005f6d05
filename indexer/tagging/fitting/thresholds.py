"""Thresholds: the least probability at which each label is given."""

from __future__ import annotations

import numpy as np

from embeddings import FloatArray
from indexer.tagging.fit_file import GroupFit
from indexer.tagging.fitting.options import FitOptions
from indexer.tagging.marks import Marks, right_labels
from indexer.tagging.tagger import parents_of
from indexer.tagging.taxonomy import Group

__all__ = ["fit_thresholds"]

# Examples of one label are few: so many are added that are right as often as predicted.
_PSEUDO_EXAMPLES = 10.0
# Thresholds that are tried. Below one half a label is more likely wrong than right.
_LOWEST, _HIGHEST, _STEP = 0.5, 0.95, 0.01


def fit_thresholds(
    group: Group, start: GroupFit, predicted: FloatArray, truth: Marks, options: FitOptions
) -> FloatArray:
    """Return the least probability at which each label is given, `[labels]`.

    Args:
        group: The group.
        start: The fit before; labels without examples keep its threshold, if that is higher.
        predicted: `[n, labels]` probabilities of examples that were left out of the fit.
        truth: `[n, labels + 1]` as in `Examples`.
        options: The precisions to reach.
    """
    right = right_labels(group, truth)
    parents = parents_of(group)
    leaves = predicted.copy()
    if group.exclusive:
        leaves[:, parents] = -1
    best = leaves.argmax(axis=1)
    rows = np.arange(len(predicted))
    confidence, correct = predicted[rows, best], right[rows, best]
    common = _lowest(confidence, correct, options.precision, 0.0)
    thresholds = np.maximum(start.threshold, np.float32(common))
    for place in range(len(group.labels)):
        own = best == place
        if own.any():
            alone = _lowest(
                confidence[own], correct[own], options.label_precision, _PSEUDO_EXAMPLES
            )
            thresholds[place] = max(common, alone)
        elif place in parents:
            alone = _lowest(
                predicted[:, place], right[:, place], options.precision, _PSEUDO_EXAMPLES
            )
            thresholds[place] = max(common, alone)
    return thresholds


def _lowest(
    confidence: FloatArray, correct: Marks, precision: float, pseudo_examples: float
) -> float:
    """Return the lowest threshold at which precision reaches what is wanted."""
    for threshold in np.arange(_LOWEST, _HIGHEST, _STEP):
        given = confidence >= threshold
        if not given.any():
            break
        expected = pseudo_examples * float(confidence[given].mean())
        reached = (float(correct[given].sum()) + expected) / (given.sum() + pseudo_examples)
        if reached >= precision:
            return float(threshold)
    return _HIGHEST
