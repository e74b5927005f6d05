"""Temperature scaling: one factor of a group's log-odds, so that probabilities mean what they say.

The source is Guo et al. 2017, "On Calibration of Modern Neural Networks".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexer.tagging.fit_file import GroupFit
from indexer.tagging.fitting.labelled import GroupExamples
from indexer.tagging.fitting.learner import likelihood, mask_of
from indexer.tagging.marks import Marks
from indexer.tagging.tagger import log_odds, parents_of
from indexer.tagging.taxonomy import Group

__all__ = ["Validation", "best_scale", "scaled"]

# Examples of each validation set that are used: enough for one number.
_EXAMPLES = 4096
# The factor is searched from a quarter to this.
_MAX_SCALE = 4.0
# Absolute error of the factor's logarithm.
_TOLERANCE = 0.01


@dataclass(frozen=True)
class Validation:
    """Examples that were left out, and the fit to the others.

    Attributes:
        fit: The fit.
        examples: The examples.
    """

    fit: GroupFit
    examples: GroupExamples


def best_scale(group: Group, validations: Sequence[Validation]) -> float:
    """Return the factor of log-odds at which the validation examples are most likely."""
    from scipy.optimize import minimize_scalar

    parts = [_logits(group, one.fit, one.examples.some(slice(_EXAMPLES))) for one in validations]

    def loss(log_scale: float) -> float:
        scale = np.float32(np.exp(log_scale))
        return sum(likelihood(group, scale * logits, mask)[0] for logits, mask in parts)

    limit = float(np.log(_MAX_SCALE))
    found = minimize_scalar(
        loss, bounds=(-limit, limit), method="bounded", options={"xatol": _TOLERANCE}
    )
    return float(np.exp(found.x))


def _logits(group: Group, fit: GroupFit, examples: GroupExamples) -> tuple[np.ndarray, Marks]:
    labels, others = log_odds(fit, examples.vectors)
    mask = mask_of(group, examples.truth, others.shape[1])
    if group.exclusive:
        labels[:, parents_of(group)] = -np.inf
        return np.concatenate([labels, others], axis=1), mask
    # Labels that no example has may be missing from the examples' source: they say nothing.
    known = mask.any(axis=0)
    return labels[:, known], mask[:, known]


def scaled(fit: GroupFit, scale: float) -> GroupFit:
    """Multiply all log-odds of a fit."""
    by = np.float32(scale)
    return replace(
        fit,
        gain=fit.gain * by,
        bias=fit.bias * by,
        other_gain=fit.other_gain * by,
        other_bias=fit.other_bias * by,
    )
