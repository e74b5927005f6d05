"""Tagging of images by their vectors: labels of a taxonomy, with probabilities.

In an exclusive group the labels compete: softmax of scaled cosines (Radford et al. 2021, section
3.1.2), with phrases for images without a product as further competitors. In other groups each label
has its own probability. Some words lie nearer to all images than others, so a label's cosine is
compared with those of other images to the same label. A label is given if its probability reaches
its threshold; if none does, the group abstains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray, Tag, encode_many_texts
from indexer.errors import TaxonomyError
from indexer.tagging.fit_file import Fitted, GroupFit, shipped_fit
from indexer.tagging.negatives import GENERIC_PHRASES, NO_PRODUCT_PHRASES
from indexer.tagging.taxonomy import Group, Taxonomy

__all__ = ["GroupScores", "Tagger", "group_probabilities", "log_odds", "parents_of", "sigmoid"]

# Vectors scored at once: their scores for all labels of a group fit into the processor's cache.
_ROWS = 4096

# Thresholds without a fit. At one half a label is more often right than wrong. Independent labels
# are many, and each can be wrong, so theirs is higher.
_THRESHOLD, _INDEPENDENT_THRESHOLD = 0.5, 0.7
# Log-odds of an independent label are steepness * (z - middle). z is its cosine in standard
# deviations above the mean of the background; 1 image in 160 of a normal one is above the middle.
_STEEPNESS, _MIDDLE = 1.7, 2.5
# Standard deviations and lengths below this are rounding.
_LEAST = 1e-3
# Log-odds are clipped to this: probabilities beyond are the same to a reader, and exp() is finite.
_MAX_LOGIT = 30.0


@dataclass(frozen=True)
class GroupScores:
    """How well one group's labels fit images.

    Attributes:
        group: The group.
        probabilities: `[n, labels]` float32, calibrated as far as the tagger is. A parent's covers
            its children.
        best: `[n]` int64, the place of the label that is given: in an exclusive group the deepest
            of its line, in others the most probable; -1 where the group abstains.
        given: `[n, labels]`, the labels that are given: in an exclusive group the best, in others
            all that reach their thresholds. Parents of given labels are not marked.
    """

    group: Group
    probabilities: FloatArray
    best: NDArray[np.int64]
    given: NDArray[np.bool_]


class Tagger:
    """Tags images with the labels of a taxonomy.

    Args:
        encoder: Embeds the labels once, unless they were fitted.
        taxonomy: The labels.
        background: `[m, dim]` vectors of images like those to tag, for independent groups that
            were not fitted; a few hundred are enough.
        fitted: A fit for this encoder; by default the one that ships for it, if any.

    Raises:
        TaxonomyError: The fit is for another encoder, or damaged.

    Attributes:
        taxonomy: As given.
        fits: How each group is scored, in the taxonomy's order.
    """

    def __init__(
        self,
        encoder: Encoder,
        taxonomy: Taxonomy,
        background: FloatArray | None = None,
        fitted: Fitted | None = None,
    ) -> None:
        spec = encoder.spec
        if fitted is not None and fitted.fingerprint != spec.fingerprint:
            raise TaxonomyError(
                f"The tags were fitted for another model than {spec.name}; fit them again with "
                "`lookalike tag fit`."
            )
        fitted = shipped_fit(taxonomy, spec) if fitted is None else fitted
        self.taxonomy = taxonomy
        self._fingerprint = spec.fingerprint
        self._gate = None if fitted is None else fitted.gate
        found = [None if fitted is None else fitted.of(group) for group in taxonomy.groups]
        fresh = [g for g, fit in zip(taxonomy.groups, found, strict=True) if fit is None]
        made = iter(_unfitted(encoder, fresh, background))
        self.fits = [next(made) if fit is None else fit for fit in found]
        for group, fit in zip(taxonomy.groups, self.fits, strict=True):
            if fit.prototypes.shape != (len(group.labels), spec.dim):
                raise TaxonomyError(f"The fit of the tags' group {group.name} is damaged.")

    @property
    def learned(self) -> bool:
        """Whether the probabilities were fitted to labelled images, and so are calibrated."""
        return self._gate is not None

    @property
    def fitted(self) -> Fitted:
        """The complete fit: a tagger that is given it embeds nothing, and tags the same."""
        pairs = zip(self.taxonomy.groups, self.fits, strict=True)
        return Fitted(self._fingerprint, {group.digest: fit for group, fit in pairs}, self._gate)

    def scores(self, vectors: FloatArray) -> tuple[GroupScores, ...]:
        """Score `[n, dim]` unit vectors of images; one result for each group, in their order."""
        gate = self._gate_probabilities(vectors)
        return tuple(
            _scores(group, fit, vectors, gate)
            for group, fit in zip(self.taxonomy.groups, self.fits, strict=True)
        )

    def tag(self, vectors: FloatArray, top: int | None = None) -> list[list[Tag]]:
        """Return the tags of images.

        Args:
            vectors: `[n, dim]` unit vectors of the images.
            top: The most labels of one group; by default all that reach their threshold.

        Returns:
            For each image its tags, group by group in the taxonomy's order, in each the most
            probable first. A group that abstains has none.
        """
        tagged: list[list[Tag]] = [[] for _ in range(len(vectors))]
        for scored in self.scores(vectors):
            names = [label.name for label in scored.group.labels]
            rows, places = np.nonzero(scored.given)
            order = np.lexsort((places, -scored.probabilities[rows, places], rows))
            counts = np.zeros(len(vectors), np.int64)
            for row, place in zip(rows[order].tolist(), places[order].tolist(), strict=True):
                if top is not None and counts[row] >= top:
                    continue
                counts[row] += 1
                probability = float(scored.probabilities[row, place])
                tagged[row].append(Tag(names[place], scored.group.name, probability))
        return tagged

    def _gate_probabilities(self, vectors: FloatArray) -> FloatArray:
        """Return `[n]` probabilities that an image shows a product at all."""
        if self._gate is None:
            return np.ones(len(vectors), np.float32)
        return sigmoid(vectors @ self._gate[:-1] + self._gate[-1])


def log_odds(fit: GroupFit, vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the log-odds of each label `[n, labels]`, and of the competitors `[n, others]`."""
    labels = (vectors @ fit.prototypes.T) * fit.gain + fit.bias
    others = (vectors @ fit.others.T) * fit.other_gain + fit.other_bias
    return labels, others


def _scores(group: Group, fit: GroupFit, vectors: FloatArray, gate: FloatArray) -> GroupScores:
    count, labels = len(vectors), len(group.labels)
    probabilities = np.empty((count, labels), np.float32)
    best = np.empty(count, np.int64)
    given = np.zeros((count, labels), np.bool_)
    for start in range(0, count, _ROWS):
        part = slice(start, start + _ROWS)
        found = group_probabilities(group, fit, vectors[part]) * gate[part, np.newaxis]
        probabilities[part] = found
        reached = found >= fit.threshold
        if group.exclusive:
            best[part] = _deepest(group, found, reached)
            rows = np.flatnonzero(best[part] >= 0)
            given[start + rows, best[start + rows]] = True
        else:
            best[part] = np.where(reached.any(axis=1), np.where(reached, found, -1).argmax(1), -1)
            given[part] = reached
    return GroupScores(group, probabilities, best, given)


def group_probabilities(group: Group, fit: GroupFit, vectors: FloatArray) -> FloatArray:
    """Return `[n, labels]` probabilities of images that show a product."""
    return (_exclusive if group.exclusive else _independent)(group, fit, vectors)


def _exclusive(group: Group, fit: GroupFit, vectors: FloatArray) -> FloatArray:
    """Softmax over labels without children and competitors; parents get their children's sum."""
    logits, other = log_odds(fit, vectors)
    logits[:, parents_of(group)] = -np.inf
    highest = logits.max(axis=1, keepdims=True)
    if other.shape[1]:
        highest = np.maximum(highest, other.max(axis=1, keepdims=True))
    np.subtract(logits, highest, out=logits)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True) + np.exp(other - highest).sum(axis=1, keepdims=True)
    for place in _children_first(group):
        parent = group.parents[place]
        if parent >= 0:
            logits[:, parent] += logits[:, place]
    return np.asarray(np.minimum(logits, 1.0))


def _independent(group: Group, fit: GroupFit, vectors: FloatArray) -> FloatArray:
    """Return one probability for each label; a parent's is never below its children's."""
    found = sigmoid(log_odds(fit, vectors)[0])
    for place in _children_first(group):
        parent = group.parents[place]
        if parent >= 0:
            np.maximum(found[:, parent], found[:, place], out=found[:, parent])
    return found


def _deepest(group: Group, found: FloatArray, reached: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the most probable label without children, or its nearest parent over its threshold."""
    leaves = found.copy()
    leaves[:, parents_of(group)] = -1
    best = leaves.argmax(axis=1)
    rows = np.arange(len(found))
    parents = np.array((*group.parents, -1))  # place -1, no label, has no parent
    reached = np.concatenate([reached, np.zeros((len(found), 1), np.bool_)], axis=1)
    for _ in group.labels:
        missing = (best >= 0) & ~reached[rows, best]
        if not missing.any():
            break
        best = np.where(missing, parents[best], best)
    return np.asarray(best)


def parents_of(group: Group) -> list[int]:
    """Return the places of the labels that are parents of others."""
    return sorted({parent for parent in group.parents if parent >= 0})


def _children_first(group: Group) -> list[int]:
    """Return all places, each before its parent."""
    return sorted(range(len(group.labels)), key=lambda place: -len(group.lineage(place)))


def sigmoid(logits: FloatArray) -> FloatArray:
    """Return probabilities of log-odds."""
    bounded = np.clip(logits, -_MAX_LOGIT, _MAX_LOGIT)
    return np.asarray(1 / (1 + np.exp(-bounded)), dtype=np.float32)


def _prompts(group: Group) -> list[str]:
    return [prompt for label in group.labels for prompt in label.prompts]


def _prototypes(vectors: FloatArray, group: Group) -> FloatArray:
    """Return `[labels, dim]` unit vectors: each label's mean over the vectors of its prompts."""
    counts = [len(label.prompts) for label in group.labels]
    starts = np.cumsum([0, *counts[:-1]])
    sums = np.add.reduceat(vectors, starts, axis=0)
    return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), dtype=np.float32)


def _unfitted(
    encoder: Encoder, groups: Sequence[Group], background: FloatArray | None
) -> list[GroupFit]:
    """Return fits of groups by their words alone, all embedded together."""
    if not groups:
        return []
    prompts = [_prompts(group) for group in groups]
    parts = [NO_PRODUCT_PHRASES, GENERIC_PHRASES, *prompts]
    vectors = encode_many_texts(encoder, [text for part in parts for text in part])
    ends = np.cumsum([len(part) for part in parts])
    others, generic, *own = np.split(vectors, ends[:-1])
    fits, scale = [], encoder.spec.logit_scale
    for group, part in zip(groups, own, strict=True):
        prototypes = _prototypes(part, group)
        if group.exclusive:
            fits.append(_exclusive_fit(prototypes, others, scale))
        else:
            fits.append(_independent_fit(prototypes, generic, background, scale))
    return fits


def _exclusive_fit(prototypes: FloatArray, others: FloatArray, scale: float) -> GroupFit:
    count, more = len(prototypes), len(others)
    return GroupFit(
        prototypes=prototypes,
        gain=np.full(count, scale, np.float32),
        bias=np.zeros(count, np.float32),
        threshold=np.full(count, _THRESHOLD, np.float32),
        others=others,
        other_gain=np.full(more, scale, np.float32),
        other_bias=np.zeros(more, np.float32),
    )


def _independent_fit(
    prototypes: FloatArray, generic: FloatArray, background: FloatArray | None, scale: float
) -> GroupFit:
    count, dim = prototypes.shape
    none = np.empty(0, np.float32)
    if background is not None and len(background) > 1:
        cosines = background @ prototypes.T
        gain = _STEEPNESS / np.maximum(cosines.std(axis=0), _LEAST)
        bias = -gain * cosines.mean(axis=0) - _STEEPNESS * _MIDDLE
    else:
        # Compared with generic phrases: the difference of two cosines is the cosine to the
        # difference of their vectors, times its length.
        mean = generic.mean(axis=0)
        difference = prototypes - mean / np.linalg.norm(mean)
        length = np.maximum(np.linalg.norm(difference, axis=1, keepdims=True), _LEAST)
        prototypes, gain, bias = difference / length, scale * length[:, 0], np.zeros(count)
    return GroupFit(
        prototypes=np.asarray(prototypes, np.float32),
        gain=np.asarray(gain, np.float32),
        bias=np.asarray(bias, np.float32),
        threshold=np.full(count, _INDEPENDENT_THRESHOLD, np.float32),
        others=np.empty((0, dim), np.float32),
        other_gain=none,
        other_bias=none,
    )
