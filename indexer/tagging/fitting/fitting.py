"""Fitting a taxonomy to examples: prototypes sharpened, probabilities calibrated, thresholds.

A label's log-odds are those that its words give it plus a linear function of the picture's vector,
which examples teach and a penalty holds near nothing (logistic regression with the words as its
prior). What a scale and thresholds are fitted to are predictions for examples that were left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray
from indexer.tagging.fit_file import Fitted, GroupFit
from indexer.tagging.negatives import nonsense_pictures
from indexer.tagging.tagger import Tagger, group_probabilities, parents_of
from indexer.tagging.taxonomy import Group, Taxonomy

__all__ = [
    "Examples",
    "FitOptions",
    "fit_group",
    "fit_taxonomy",
    "leaf_probabilities",
]

Flags = NDArray[np.bool_]
Told = tuple[FloatArray, Flags]


@dataclass(frozen=True)
class Examples:
    """Pictures of which is known what they show.

    Attributes:
        vectors: `[n, dim]` unit vectors.
        truth: By group, `[n, labels + 1]`: the labels that may be true of each picture, the last
            place being "none of them". In an exclusive group one of those marked is true, and a
            parent stands for all its children; in another group all that are marked are true, and
            the rest is not. A row without a mark says nothing.
    """

    vectors: FloatArray
    truth: Mapping[str, Flags]


@dataclass(frozen=True)
class FitOptions:
    """How to fit.

    Attributes:
        precision: What share of a group's given labels is to be right, 0 to 1; its labels' common
            threshold is the lowest that reaches it.
        label_precision: The same for each label alone, as far as its examples tell.
        least: Labels with fewer examples keep the prototype of their words.
        strength: How far examples may lead away from the words: the penalty is the squared length
            of what is added, divided by twice this.
        steps: Of the optimiser, each on a sample of the examples.
        nonsense: How many pictures of nothing are drawn to learn to say nothing of them.
        seed: Of all that is drawn.
    """

    precision: float = 0.88
    label_precision: float = 0.75
    least: int = 4
    strength: float = 3.0
    steps: int = 300
    nonsense: int = 240
    seed: int = 0


_BATCH = 4096
_RATE = 0.05
_FOLDS = 2
# Examples of one label count for no more than this many times the rest in its threshold.
_PSEUDO = 10.0
# A label that is rather wrong than right is left unsaid.
_LOWEST, _HIGHEST = 0.5, 0.95
# Log-odds of showing something that nearly all real pictures, and hardly any drawn ones, reach.
_SURE_REAL, _SURE_NOTHING = 4.0, -1.5


def fit_taxonomy(
    encoder: Encoder,
    taxonomy: Taxonomy,
    examples: Examples,
    options: FitOptions | None = None,
    start: Fitted | None = None,
    calibration: Examples | None = None,
) -> Fitted:
    """Fit all groups of a taxonomy.

    Groups without examples stay as they were at the start; where nothing was fitted before, that
    is their words' prototypes, and independent labels get the examples' pictures as background.

    Args:
        encoder: Embeds the labels, and drawn pictures of nothing.
        taxonomy: What to fit.
        examples: What to fit to; one of the pictures at least.
        options: How.
        start: What was fitted before, to go on from; by default nothing.
        calibration: Other examples, for scales and thresholds alone. Without, each half of the
            examples is judged by what the other half taught, which is honest where the encoder was
            not trained on the pictures itself.
    """
    options = options or FitOptions()
    start = start or Fitted(encoder.spec.fingerprint, {})
    before = Tagger(encoder, taxonomy, background=examples.vectors, fitted=start)
    fits = {}
    for group, fit in zip(taxonomy.groups, before.fits, strict=True):
        own = _told(examples, group)
        others = None if calibration is None else _told(calibration, group)
        fits[group.digest] = fit_group(group, fit, own, options, others) if len(own[0]) else fit
    gate = start.gate
    if gate is None:
        drawn = nonsense_pictures(options.seed, options.nonsense)
        nothing = _encode(encoder, [encoder.preprocess(picture) for picture in drawn])
        gate = _fit_gate(examples.vectors, nothing, options.seed)
    return Fitted(encoder.spec.fingerprint, fits, gate)


def fit_group(
    group: Group, start: GroupFit, told: Told, options: FitOptions, calibration: Told | None = None
) -> GroupFit:
    """Fit one group; see `fit_taxonomy`.

    Args:
        group: The group.
        start: What its labels' words say.
        told: `[n, dim]` vectors and their `[n, labels + 1]` truth, each row with a mark.
        options: How.
        calibration: The same of other pictures.
    """
    vectors, truth = told
    learner = _Learner(group, start, options)
    whole = learner.fit(vectors, truth)
    judged = [(whole, *calibration)] if calibration is not None and len(calibration[0]) else []
    if not judged:
        judged = list(_halves(learner, vectors, truth)) or [(whole, vectors, truth)]
    scale = _best_scale(group, judged)
    said = [group_probabilities(group, _scaled(fit, scale), part) for fit, part, _ in judged]
    true = np.concatenate([marks for _, _, marks in judged])
    thresholds = _thresholds(start, group, np.concatenate(said), true, options)
    return replace(_scaled(whole, scale), threshold=thresholds)


def _told(examples: Examples, group: Group) -> Told:
    """The examples that say something of a group."""
    truth = examples.truth.get(group.name)
    if truth is None:
        return examples.vectors[:0], np.zeros((0, len(group.labels) + 1), np.bool_)
    known = truth.any(axis=1)
    return examples.vectors[known], truth[known]


def _halves(
    learner: _Learner, vectors: FloatArray, truth: Flags
) -> Iterator[tuple[GroupFit, FloatArray, Flags]]:
    """Each half of the examples, with what the other half taught."""
    if len(vectors) < 2 * _FOLDS:
        return
    folds = np.random.default_rng(learner.options.seed).permutation(len(vectors)) % _FOLDS
    for fold in range(_FOLDS):
        rest, own = folds != fold, folds == fold
        yield learner.fit(vectors[rest], truth[rest]), vectors[own], truth[own]


@dataclass(frozen=True)
class _Learner:
    group: Group
    start: GroupFit
    options: FitOptions

    def fit(self, vectors: FloatArray, truth: Flags) -> GroupFit:
        """What is added to the words' log-odds, by Adam (Kingma and Ba 2015) on the likelihood."""
        start, count = self.start, len(self.group.labels)
        allowed = _spread(self.group, truth) if self.group.exclusive else truth
        leaves = np.ones(count, np.bool_)
        if self.group.exclusive:
            leaves[parents_of(self.group)] = False
        taught = leaves & (truth[:, :count].sum(axis=0) >= self.options.least)
        if not taught.any():
            return start
        added = np.zeros((count, vectors.shape[1] + 1), np.float32)
        moments = np.zeros((2, *added.shape), np.float32)
        rng = np.random.default_rng(self.options.seed)
        size = min(_BATCH, len(vectors))
        for step in range(1, self.options.steps + 1):
            rows = rng.choice(len(vectors), size, replace=False)
            slope = self._slope(vectors[rows], allowed[rows], added)
            slope += added / (self.options.strength * len(vectors))
            slope[~taught] = 0
            moments[0] += 0.1 * (slope - moments[0])
            moments[1] += 0.01 * (slope**2 - moments[1])
            corrected = moments[0] / (1 - 0.9**step)
            spread = np.sqrt(moments[1] / (1 - 0.99**step)) + 1e-8
            rate = _RATE * (1 - (step - 1) / self.options.steps)
            added -= rate * corrected / spread
        return _with_added(start, added)

    def _slope(self, vectors: FloatArray, allowed: Flags, added: FloatArray) -> FloatArray:
        """The gradient of the mean negative log-likelihood, `[labels, dim + 1]`."""
        fit = _with_added(self.start, added)
        count = len(self.group.labels)
        if self.group.exclusive:
            said, none = leaf_probabilities(self.group, fit, vectors)
            true = said * allowed[:, :count]
            total = true.sum(axis=1) + none * allowed[:, count]
            true /= np.maximum(total, 1e-30)[:, np.newaxis]
        else:
            said = group_probabilities(self.group, fit, vectors)
            true = allowed[:, :count].astype(np.float32)
        error = (said - true) / len(vectors)
        return np.concatenate([error.T @ vectors, error.sum(axis=0)[:, np.newaxis]], axis=1)


def leaf_probabilities(
    group: Group, fit: GroupFit, vectors: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """`[n, labels]` of an exclusive group, parents having nothing, and `[n]` of none of them."""
    said = group_probabilities(group, fit, vectors).copy()
    said[:, parents_of(group)] = 0
    return said, np.maximum(1 - said.sum(axis=1), 0)


def _with_added(start: GroupFit, added: FloatArray) -> GroupFit:
    weights = start.prototypes * start.gain[:, np.newaxis] + added[:, :-1]
    length = np.maximum(np.linalg.norm(weights, axis=1), 1e-6)
    return replace(
        start,
        prototypes=np.asarray(weights / length[:, np.newaxis], np.float32),
        gain=np.asarray(length, np.float32),
        bias=np.asarray(start.bias + added[:, -1], np.float32),
    )


def _scaled(fit: GroupFit, scale: float) -> GroupFit:
    by = np.float32(scale)
    return replace(
        fit,
        gain=fit.gain * by,
        bias=fit.bias * by,
        other_gain=fit.other_gain * by,
        other_bias=fit.other_bias * by,
    )


def _best_scale(group: Group, judged: Sequence[tuple[GroupFit, FloatArray, Flags]]) -> float:
    """What log-odds are multiplied by (temperature scaling, Guo et al. 2017).

    Searched from a quarter to four, coarsely and then in steps of a twenty-fifth.
    """
    # So many are enough for one number.
    some = [(fit, vectors[:_BATCH], truth[:_BATCH]) for fit, vectors, truth in judged]
    spread = [_spread(group, truth) if group.exclusive else truth for _, _, truth in some]

    def loss(log_scale: float) -> float:
        by = float(np.exp(log_scale))
        return sum(
            _loss(group, _scaled(fit, by), vectors, allowed)
            for (fit, vectors, _), allowed in zip(some, spread, strict=True)
        )

    best = 0.0
    for step in (0.2, 0.04):
        tried = [best + step * way for way in range(-7, 8)]
        best = min(tried, key=loss)
    return float(np.exp(best))


def _loss(group: Group, fit: GroupFit, vectors: FloatArray, allowed: Flags) -> float:
    count = len(group.labels)
    if group.exclusive:
        said, none = leaf_probabilities(group, fit, vectors)
        true = (said * allowed[:, :count]).sum(axis=1) + none * allowed[:, count]
        return float(-np.log(np.maximum(true, 1e-9)).sum())
    said = np.clip(group_probabilities(group, fit, vectors), 1e-6, 1 - 1e-6)
    known = allowed[:, :count].any(axis=0)
    marked = allowed[:, :count][:, known]
    told = np.where(marked, said[:, known], 1 - said[:, known])
    return float(-np.log(told).sum())


def _spread(group: Group, truth: Flags) -> Flags:
    """Marks of parents handed on to all labels below them."""
    spread = truth.copy()
    for place in range(len(group.labels)):
        for above in group.lineage(place)[1:]:
            spread[:, place] |= truth[:, above]
    return spread


def _thresholds(
    start: GroupFit, group: Group, said: FloatArray, truth: Flags, options: FitOptions
) -> FloatArray:
    """The least probability at which each label is given, `[labels]`."""
    count = len(group.labels)
    right = _right(group, truth)
    leaves = said.copy()
    if group.exclusive:
        leaves[:, parents_of(group)] = -1
    best = leaves.argmax(axis=1)
    rows = np.arange(len(said))
    sure, hit = said[rows, best], right[rows, best]
    common = _lowest(sure, hit, options.precision, 0.0)
    thresholds = np.maximum(start.threshold, np.float32(common))
    parents = parents_of(group)
    for place in range(count):
        own = best == place
        if own.any():
            alone = _lowest(sure[own], hit[own], options.label_precision, _PSEUDO)
            thresholds[place] = max(common, alone)
        elif place in parents:
            thresholds[place] = max(
                common, _lowest(said[:, place], right[:, place], options.precision, _PSEUDO)
            )
    return thresholds


def _lowest(sure: FloatArray, hit: Flags, wanted: float, pseudo: float) -> float:
    """The lowest threshold at which the share that is right reaches what is wanted.

    With `pseudo`, so many examples that are right as often as they were said to be are added.
    """
    for threshold in np.arange(_LOWEST, _HIGHEST, 0.01):
        given = sure >= threshold
        if not given.any():
            break
        expected = pseudo * float(sure[given].mean())
        if (float(hit[given].sum()) + expected) / (given.sum() + pseudo) >= wanted:
            return float(threshold)
    return _HIGHEST


def _right(group: Group, truth: Flags) -> Flags:
    """`[n, labels]`: whether giving the label is right: it is marked, or a parent of it is."""
    right = _spread(group, truth)[:, : len(group.labels)]
    for place in range(len(group.labels)):
        for above in group.lineage(place)[1:]:
            right[:, above] |= truth[:, place]
    return right


def _fit_gate(real: FloatArray, nothing: FloatArray, seed: int) -> FloatArray | None:
    """Log-odds of showing something: logistic regression of real pictures against drawn nothing.

    Both count the same, by iteratively reweighted least squares with a ridge.
    """
    if not len(nothing):
        return None
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(real), min(len(real), 4000), replace=False)
    rows = np.concatenate([real[chosen], nothing]).astype(np.float64)
    design = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    true = np.repeat([1.0, 0.0], [len(chosen), len(nothing)])
    share = np.where(true == 1, 0.5 / len(chosen), 0.5 / len(nothing)) * len(nothing) * 2
    weights = np.zeros(design.shape[1])
    ridge = np.full(design.shape[1], 0.1)
    ridge[-1] = 1e-6
    for _ in range(25):
        said = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        curve = share * np.maximum(said * (1 - said), 1e-6)
        slope = design.T @ (share * (said - true)) + ridge * weights
        step = np.linalg.solve((design.T * curve) @ design + np.diag(ridge), slope)
        weights -= step
        if np.abs(step).max() < 1e-6:
            break
    # Hardly any picture is of nothing: the odds are moved towards something, as far as the drawn
    # ones stay on their side.
    logits = design @ weights
    real_low = float(np.quantile(logits[: len(chosen)], 0.02))
    nothing_high = float(np.quantile(logits[len(chosen) :], 0.98))
    weights[-1] += np.clip(_SURE_REAL - real_low, 0, max(0.0, _SURE_NOTHING - nothing_high))
    return weights.astype(np.float32)


def _encode(encoder: Encoder, pixels: Sequence[NDArray[np.uint8]]) -> FloatArray:
    parts = [
        encoder.encode_images(np.stack(pixels[at : at + 32])) for at in range(0, len(pixels), 32)
    ]
    return np.concatenate([np.empty((0, encoder.spec.dim), np.float32), *parts])
