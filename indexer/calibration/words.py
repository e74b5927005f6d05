"""Confidence of hits by words: what the words that a product has add to what its images show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.model import Doubles, sigmoid

__all__ = ["HeldWords", "ceiling", "confidence_by_words", "falling"]

# Log-odds that a product with all words of a query is right, where those of the vector are 0, and
# what the vector's log-odds add to them. With some of the words it is the vector's probability,
# times a share that begins at the first number of the pair and grows with the words by the second;
# less where the catalog has all words, since another product could have had them.
# Chosen on the held-back fashion products, the groceries and the drawn catalog.
_ALL_OFFSET, _ALL_SLOPE = 2.0, 0.5
_SOME_KNOWN, _ALL_KNOWN = (0.5, 0.5), (0.2, 0.6)
# The vector's log-odds count up to here.
_MOST = 8.0


@dataclass(frozen=True)
class HeldWords:
    """How many words of a query some hits have.

    Attributes:
        held: `[n]`, how many of them each hit has.
        known: How many any product has.
        count: How many there are, without those that do not tell products apart.
    """

    held: NDArray[np.int64]
    known: int
    count: int


def confidence_by_words(logits: Doubles, words: HeldWords) -> Doubles:
    """Return the probabilities, 0 to 1, that hits are right, given their images and words.

    Args:
        logits: `[n]` log-odds by the vector alone.
        words: What words the hits have. Words that no product has say nothing.
    """
    by_vector = sigmoid(logits)
    if not words.known:
        return by_vector
    least, more = _ALL_KNOWN if words.known == words.count else _SOME_KNOWN
    some = by_vector * (least + more * words.held / words.known)
    every = sigmoid(_ALL_OFFSET + _ALL_SLOPE * np.clip(logits, -_MOST, _MOST))
    return np.asarray(np.where(words.held == words.count, every, some), np.float64)


def falling(values: Sequence[float]) -> list[float]:
    """Return the falling sequence that is nearest to some values, by pooling adjacent violators.

    Ayer et al. 1955. Pooled values are replaced by their mean, so a calibrated list stays so.
    `scipy.optimize.isotonic_regression` does the same, but takes longer to import than a search.

    >>> falling([0.9, 0.4, 0.6, 0.1])
    [0.9, 0.5, 0.5, 0.1]
    """
    sums: list[float] = []
    counts: list[int] = []
    for value in values:
        sums.append(value)
        counts.append(1)
        while len(sums) > 1 and sums[-1] * counts[-2] > sums[-2] * counts[-1]:
            sums[-2:] = [sums[-2] + sums[-1]]
            counts[-2:] = [counts[-2] + counts[-1]]
    return [total / count for total, count in zip(sums, counts, strict=True) for _ in range(count)]


def ceiling(products: int) -> float:
    """Return the highest confidence that a catalog of some products can give evidence for.

    Laplace's rule of succession: after n right answers of n, the next one is right with this
    probability. A catalog of 16 products is never surer than 0.94.
    """
    return (products + 1) / (products + 2)
