"""Tags of pictures from their vectors: which labels of a taxonomy, and how sure.

In an exclusive group the labels compete (softmax of scaled cosines, Radford et al. 2021, section
3.1.2), with phrases for what is none of them as further competitors. Elsewhere each label has a
probability of its own: its cosine is held against those of other pictures to the same label, since
words lie nearer to or further from all pictures. A label is given where its probability reaches its
threshold; otherwise the group says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray, Tag, encode_many_texts
from indexer.errors import TaxonomyError
from indexer.tagging.fit_file import Fitted, GroupFit, shipped_fit
from indexer.tagging.negatives import NO_PRODUCT, PLAIN
from indexer.tagging.taxonomy import Group, Taxonomy

__all__ = ["GroupScores", "Tagger", "group_probabilities", "label_prototypes", "parents_of"]

# Vectors scored at once: all labels of a taxonomy for so many stay in the processor's cache.
_ROWS = 4096

# Without a fit. A probability of one half means more often right than not; labels that stand alone
# are many, and each errs by itself.
_THRESHOLD, _ALONE_THRESHOLD = 0.5, 0.7
# Log-odds of an independent label are steepness * (z - middle), z being its cosine in standard
# deviations above the mean of the background; 1 picture in 160 of a normal one is above the middle.
_STEEPNESS, _MIDDLE = 1.7, 2.5
# Log-odds beyond these are the same to a reader, and keep exp() finite.
_MAX_LOGIT = 30.0


@dataclass(frozen=True)
class GroupScores:
    """How one group's labels fit pictures.

    Attributes:
        group: The group.
        probabilities: `[n, labels]` float32, calibrated as far as the tagger is; that of a parent
            covers its children.
        best: `[n]` int64, the place of the label that is given, in an exclusive group the deepest
            of its line, else the most probable; -1 where the group abstains.
        given: `[n, labels]`, the labels that are given: of an exclusive group the best, of another
            all that reach their thresholds. Parents of what is given are not marked.
    """

    group: Group
    probabilities: FloatArray
    best: NDArray[np.int64]
    given: NDArray[np.bool_]


class Tagger:
    """Gives pictures the labels of a taxonomy.

    Args:
        encoder: Embeds the labels, once, unless they were fitted.
        taxonomy: The labels.
        background: `[m, dim]` vectors of pictures such as will be tagged, for independent groups
            that were not fitted; a few hundred are enough.
        fitted: What was fitted for this encoder; by default what ships for it, if anything.

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
        """Whether its probabilities were fitted to labelled pictures, and so mean what they say."""
        return self._gate is not None

    @property
    def fitted(self) -> Fitted:
        """All that it scores by: a tagger that is given this embeds nothing, and tags alike."""
        pairs = zip(self.taxonomy.groups, self.fits, strict=True)
        return Fitted(self._fingerprint, {group.digest: fit for group, fit in pairs}, self._gate)

    def scores(self, vectors: FloatArray) -> tuple[GroupScores, ...]:
        """Score `[n, dim]` unit vectors of pictures; a result for each group, in their order."""
        shows = self._shows_something(vectors)
        return tuple(
            _scores(group, fit, vectors, shows)
            for group, fit in zip(self.taxonomy.groups, self.fits, strict=True)
        )

    def tag(self, vectors: FloatArray, top: int | None = None) -> list[list[Tag]]:
        """The tags of `[n, dim]` unit vectors of pictures.

        Args:
            vectors: Of the pictures.
            top: How many labels of a group at most; all that reach their threshold by default.

        Returns:
            For each picture its tags, group by group in the taxonomy's order, in each the most
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
                sure = float(scored.probabilities[row, place])
                tagged[row].append(Tag(names[place], scored.group.name, sure))
        return tagged

    def _shows_something(self, vectors: FloatArray) -> FloatArray:
        """`[n]`, the probability that a picture shows anything at all."""
        if self._gate is None:
            return np.ones(len(vectors), np.float32)
        return _sigmoid(vectors @ self._gate[:-1] + self._gate[-1])


def label_prototypes(encoder: Encoder, group: Group) -> FloatArray:
    """`[labels, dim]` unit vectors: of each label the mean over its words in its sentences."""
    return _means(encode_many_texts(encoder, _prompts(group)), group)


def _scores(group: Group, fit: GroupFit, vectors: FloatArray, shows: FloatArray) -> GroupScores:
    count, labels = len(vectors), len(group.labels)
    probabilities = np.empty((count, labels), np.float32)
    best = np.empty(count, np.int64)
    given = np.zeros((count, labels), np.bool_)
    for start in range(0, count, _ROWS):
        part = slice(start, start + _ROWS)
        found = group_probabilities(group, fit, vectors[part]) * shows[part, np.newaxis]
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
    """`[n, labels]` probabilities of pictures that show something."""
    return (_exclusive if group.exclusive else _independent)(group, fit, vectors)


def _exclusive(group: Group, fit: GroupFit, vectors: FloatArray) -> FloatArray:
    """Softmax over the labels without children and the others; parents get their children's."""
    logits = (vectors @ fit.prototypes.T) * fit.gain + fit.bias
    other = (vectors @ fit.others.T) * fit.other_gain + fit.other_bias
    wider = parents_of(group)
    logits[:, wider] = -np.inf
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
    """A probability for each label; a parent's is never below its children's."""
    found = _sigmoid((vectors @ fit.prototypes.T) * fit.gain + fit.bias)
    for place in _children_first(group):
        parent = group.parents[place]
        if parent >= 0:
            np.maximum(found[:, parent], found[:, place], out=found[:, parent])
    return found


def _deepest(group: Group, found: FloatArray, reached: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The most probable label without children or, where it does not reach, its nearest parent."""
    leaves = found.copy()
    leaves[:, parents_of(group)] = -1
    best = leaves.argmax(axis=1)
    rows = np.arange(len(found))
    parents = np.array((*group.parents, -1))  # the parent of none is none
    reached = np.concatenate([reached, np.zeros((len(found), 1), np.bool_)], axis=1)
    for _ in group.labels:
        missing = (best >= 0) & ~reached[rows, best]
        if not missing.any():
            break
        best = np.where(missing, parents[best], best)
    return np.asarray(best)


def parents_of(group: Group) -> list[int]:
    """The places of the labels that are parents of others."""
    return sorted({parent for parent in group.parents if parent >= 0})


def _children_first(group: Group) -> list[int]:
    """All places, each before its parent."""
    return sorted(range(len(group.labels)), key=lambda place: -len(group.lineage(place)))


def _sigmoid(logits: FloatArray) -> FloatArray:
    bounded = np.clip(logits, -_MAX_LOGIT, _MAX_LOGIT)
    return np.asarray(1 / (1 + np.exp(-bounded)), dtype=np.float32)


def _prompts(group: Group) -> list[str]:
    return [prompt for label in group.labels for prompt in label.prompts]


def _means(vectors: FloatArray, group: Group) -> FloatArray:
    counts = [len(label.prompts) for label in group.labels]
    starts = np.cumsum([0, *counts[:-1]])
    sums = np.add.reduceat(vectors, starts, axis=0)
    return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), dtype=np.float32)


def _unfitted(
    encoder: Encoder, groups: Sequence[Group], background: FloatArray | None
) -> list[GroupFit]:
    """Fits of groups of which nothing is known but their words, embedded all together."""
    if not groups:
        return []
    prompts = [_prompts(group) for group in groups]
    texts = [*NO_PRODUCT, *PLAIN, *(prompt for part in prompts for prompt in part)]
    vectors = encode_many_texts(encoder, texts)
    others, vectors = vectors[: len(NO_PRODUCT)], vectors[len(NO_PRODUCT) :]
    plain, vectors = vectors[: len(PLAIN)], vectors[len(PLAIN) :]
    fits = []
    for group, part in zip(groups, prompts, strict=True):
        own, vectors = vectors[: len(part)], vectors[len(part) :]
        prototypes = _means(own, group)
        if group.exclusive:
            fits.append(_competing(prototypes, others, encoder.spec.logit_scale))
        else:
            fits.append(_standing_alone(prototypes, plain, background, encoder.spec.logit_scale))
    return fits


def _competing(prototypes: FloatArray, others: FloatArray, scale: float) -> GroupFit:
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


def _standing_alone(
    prototypes: FloatArray, plain: FloatArray, background: FloatArray | None, scale: float
) -> GroupFit:
    count, dim = prototypes.shape
    none = np.empty(0, np.float32)
    if background is not None and len(background) > 1:
        cosines = background @ prototypes.T
        gain = _STEEPNESS / np.maximum(cosines.std(axis=0), 1e-3)
        bias = -gain * cosines.mean(axis=0) - _STEEPNESS * _MIDDLE
    else:
        # Held against words that say nothing: the difference of two cosines is one to a vector.
        mean = plain.mean(axis=0)
        apart = prototypes - mean / np.linalg.norm(mean)
        length = np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-3)
        prototypes, gain, bias = apart / length, scale * length[:, 0], np.zeros(count)
    return GroupFit(
        prototypes=np.asarray(prototypes, np.float32),
        gain=np.asarray(gain, np.float32),
        bias=np.asarray(bias, np.float32),
        threshold=np.full(count, _ALONE_THRESHOLD, np.float32),
        others=np.empty((0, dim), np.float32),
        other_gain=none,
        other_bias=none,
    )
