"""Label learner: logistic regression on labelled images, with the labels' words as the prior."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.tagging.fit_file import GroupFit
from indexer.tagging.fitting.labelled import GroupExamples
from indexer.tagging.fitting.options import FitOptions
from indexer.tagging.marks import Marks, spread_to_children
from indexer.tagging.tagger import log_odds, parents_of, sigmoid
from indexer.tagging.taxonomy import Group

__all__ = ["learn", "likelihood", "mask_of"]

# The optimiser stops at relative gains of the objective below this; the arithmetic is float32.
_TOLERANCE = 1e-6
# Keeps a prototype of length 0 finite.
_MIN_LENGTH = 1e-6

Doubles = NDArray[np.float64]


def learn(group: Group, start: GroupFit, examples: GroupExamples, options: FitOptions) -> GroupFit:
    """Fit a linear function of the vector that is added to each label's log-odds.

    It maximises the likelihood of the examples under a normal prior around 0 (`strength`). Labels
    with too few examples, and parents in exclusive groups, are left as they are.

    Args:
        group: The group.
        start: The fit before, such as that of the labels' words.
        examples: What is known of the group.
        options: How to fit.
    """
    from scipy.optimize import minimize

    trainable = _trainable(group, examples.truth, options.least)
    vectors, dim = examples.vectors, examples.vectors.shape[1]
    if not len(trainable):
        return start
    mask = mask_of(group, examples.truth, len(start.others))
    base = np.concatenate(log_odds(start, vectors), axis=1)
    base[:, parents_of(group) if group.exclusive else []] = -np.inf

    def objective(flat: Doubles) -> tuple[float, Doubles]:
        """Return the negative log posterior and its gradient."""
        delta = flat.reshape(len(trainable), dim + 1).astype(np.float32)
        logits = base.copy()
        logits[:, trainable] += vectors @ delta[:, :-1].T + delta[:, -1]
        loss, errors = likelihood(group, logits, mask)
        errors = errors[:, trainable]
        gradient = np.concatenate([errors.T @ vectors, errors.sum(axis=0)[:, np.newaxis]], axis=1)
        penalty = float(flat @ flat) / (2 * options.strength)
        return loss + penalty, gradient.ravel() + flat / options.strength

    found = minimize(
        objective,
        np.zeros(len(trainable) * (dim + 1)),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": options.steps, "ftol": _TOLERANCE},
    )
    delta = np.zeros((len(group.labels), dim + 1))
    delta[trainable] = found.x.reshape(len(trainable), dim + 1)
    return _with_delta(start, delta)


def mask_of(group: Group, truth: Marks, others: int) -> Marks:
    """Return `[n, labels + others]`, which of the labels and competitors may be true.

    Args:
        group: The group.
        truth: `[n, labels + 1]` as in `Examples`.
        others: How many competitors stand for "none of them" in an exclusive group.
    """
    if not group.exclusive:
        return truth[:, :-1]
    spread = spread_to_children(group, truth)
    return np.concatenate([spread[:, :-1], np.repeat(spread[:, -1:], others, axis=1)], axis=1)


def likelihood(group: Group, logits: FloatArray, mask: Marks) -> tuple[float, FloatArray]:
    """Return the negative log-likelihood of what may be true, and its gradient by the logits.

    Args:
        group: The group.
        logits: `[n, labels + others]` log-odds; -inf excludes a label.
        mask: `[n, labels + others]` from `mask_of`.
    """
    if not group.exclusive:
        loss = np.logaddexp(0, logits).sum(dtype=np.float64) - logits[mask].sum(dtype=np.float64)
        return float(loss), sigmoid(logits) - mask
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    possible = shares * mask
    totals, known = shares.sum(axis=1), possible.sum(axis=1)
    # Without competitors, "none of them" says nothing.
    says = known > 0
    loss = np.log(totals[says] / known[says]).sum(dtype=np.float64)
    known[~says] = np.inf
    shares /= totals[:, np.newaxis]
    shares -= possible / known[:, np.newaxis]
    shares[~says] = 0
    return float(loss), shares


def _trainable(group: Group, truth: Marks, least: int) -> NDArray[np.int64]:
    """Return the places of labels with enough examples, parents of an exclusive group excepted."""
    enough = truth[:, :-1].sum(axis=0) >= least
    if group.exclusive:
        enough[parents_of(group)] = False
    return np.flatnonzero(enough)


def _with_delta(start: GroupFit, delta: Doubles) -> GroupFit:
    weights = start.prototypes * start.gain[:, np.newaxis] + delta[:, :-1]
    length = np.maximum(np.linalg.norm(weights, axis=1), _MIN_LENGTH)
    return replace(
        start,
        prototypes=np.asarray(weights / length[:, np.newaxis], np.float32),
        gain=np.asarray(length, np.float32),
        bias=np.asarray(start.bias + delta[:, -1], np.float32),
    )
