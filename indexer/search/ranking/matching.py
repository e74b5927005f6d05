"""Which products match a query, as opposed to those that are merely nearest to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from embeddings import FloatArray
from indexer.index import Index, Nearest, index_kind
from indexer.retrieval import Predicate
from indexer.search.query import LikePart, Query, SearchMode
from indexer.storage import IndexKind, Mask, QueryKind

__all__ = [
    "FITTED_QUERIES",
    "MATCH_CONFIDENCE",
    "WINDOW",
    "WORD_SHARE",
    "WORD_WINDOW",
    "Evidence",
    "Masks",
    "Matches",
    "Matching",
]

MATCH_CONFIDENCE: Mapping[QueryKind, float] = {
    QueryKind.TEXT: 0.2,
    QueryKind.IMAGE: 0.02,
    QueryKind.MIXED: 0.05,
}
"""The least confidence of a product that matches, where the query names none. Photos of worn
clothes, which look little like a shop's pictures, are often less sure than 0.2 and still right."""

FITTED_QUERIES = 40
"""A calibration that fewer queries of the catalog were fitted to does not tell what matches."""

WORD_SHARE = 2 / 3
"""The least share of a query's words that a product must have to match by them."""

# Where nothing matches by either, this share of the words matches together with this share of the
# confidence: a shop without red mugs shows its mugs.
_FEW_WORDS, _LITTLE = 1 / 2, 1 / 4

WINDOW = 1024
"""How many of the nearest products are looked at for those that match."""

WORD_WINDOW = 10_000
"""How many products of a segment that have the words are looked at."""

Masks = tuple[Sequence[Mask], bool]
"""A mask over the product rows of each segment, and whether these are all that there are."""


@dataclass(frozen=True)
class Matches:
    """The products that match a query.

    Attributes:
        masks: For each segment a mask over its product rows.
        exact: Whether these are all of them; else there may be more.
    """

    masks: Sequence[Mask]
    exact: bool

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(int(np.count_nonzero(mask)) for mask in self.masks)


@dataclass(frozen=True)
class Evidence:
    """What tells the products that match a query from the others.

    Attributes:
        kind: What the query is made of.
        nearest: Returns the `WINDOW` nearest products that pass a filter.
        confidence_of: Gives the confidences of cosines; None where nothing is known of them.
        sure: Returns those hits of the query that pass a filter and reach its least confidence.
        words: Returns the products that have a share of the query's words; None where it has none.
    """

    kind: QueryKind
    nearest: Callable[[Predicate | None], Nearest]
    confidence_of: Callable[[FloatArray], NDArray[np.float64]] | None
    sure: Callable[[Predicate | None], Masks]
    words: Callable[[float], Masks] | None


class Matching:
    """Tells which products match one query.

    A product matches if its confidence reaches the least one of the query, or `MATCH_CONFIDENCE`
    where that is 0; or, in the latter case, if it has most of the words, or where there is no such
    product half of them and is a little sure. In keyword mode any word suffices. A query that wants
    neither words nor an image, or ranks by colour alone, is matched by every product that passes
    the filter, and so is one of whose confidence nothing is known.

    Args:
        index: The generation that answers.
        query: The query.
        evidence: What is known of its hits.
        excluded: Segment and row of products that are never hits.
    """

    def __init__(
        self,
        index: Index,
        query: Query,
        evidence: Evidence,
        excluded: Collection[tuple[int, int]] = (),
    ) -> None:
        self._index = index
        self._query = query
        self._evidence = evidence
        self._excluded = excluded
        self._having: dict[float, Masks] = {}

    def of(self, where: Predicate | None) -> Matches:
        """Return the products that match the query and pass a filter."""
        if self._query.min_confidence and self._query.mode is not SearchMode.VECTOR:
            return Matches(*self._evidence.sure(where))
        allowed = [self._allowed(number, where) for number in range(len(self._index.segments))]
        if self.by_filter_alone:
            return Matches(allowed, exact=True)
        matches = self._found(where, allowed)
        if matches.total or self._query.min_confidence or self._query.mode is SearchMode.KEYWORD:
            return matches
        words, complete = self._words(_FEW_WORDS)
        near, all_near = self._near(where, _LITTLE)
        masks = [a & b & c for a, b, c in zip(words, near, allowed, strict=True)]
        return Matches(masks, complete and all_near)

    def _found(self, where: Predicate | None, allowed: Sequence[Mask]) -> Matches:
        if self._query.mode is SearchMode.KEYWORD:
            masks, complete = self._words(WORD_SHARE)
        else:
            masks, complete = self._near(where)
            if not self._query.min_confidence:
                words, all_words = self._words(WORD_SHARE)
                masks = [one | other for one, other in zip(masks, words, strict=True)]
                complete = complete and all_words
        return Matches([one & other for one, other in zip(masks, allowed, strict=True)], complete)

    @cached_property
    def by_filter_alone(self) -> bool:
        """Whether every product that passes the filter matches."""
        query = self._query
        colour_alone = query.colour is not None and query.colour.effective_weight >= 1
        wanted = [part for part in query.parts if part.weight > 0]
        if not wanted:
            return True
        if colour_alone and not query.min_confidence:
            return True
        if query.mode is SearchMode.KEYWORD or query.min_confidence:
            return False
        likes = all(isinstance(part, LikePart) for part in wanted)
        return likes or self._evidence.confidence_of is None

    def _words(self, share: float) -> Masks:
        if share not in self._having:
            words = self._evidence.words
            self._having[share] = (self._none(), True) if words is None else words(share)
        return self._having[share]

    def _none(self) -> list[Mask]:
        return [np.zeros(len(segment.alive), np.bool_) for segment in self._index.segments]

    def _allowed(self, number: int, where: Predicate | None) -> Mask:
        mask = self._index.segments[number].products_where(where)
        rows = [row for other, row in self._excluded if other == number]
        if rows:
            mask = mask.copy()
            mask[rows] = False
        return mask

    def _near(self, where: Predicate | None, share: float = 1.0) -> Masks:
        """Return those of the nearest products that are sure enough, or a share of it."""
        nearest = self._evidence.nearest(where)
        sure = self._sure(nearest.scores, share)
        masks = self._none()
        for number, mask in enumerate(masks):
            mask[nearest.rows[sure & (nearest.segments == number)]] = True
        ended = len(nearest) < WINDOW or not sure.all()
        return masks, ended and index_kind(self._index.manifest) == IndexKind.FLAT

    def _sure(self, scores: FloatArray, share: float = 1.0) -> Mask:
        least = share * (self._query.min_confidence or MATCH_CONFIDENCE[self._evidence.kind])
        confidence_of = self._evidence.confidence_of
        assert confidence_of is not None, "a minimum confidence without calibration is refused"
        return np.asarray(confidence_of(np.clip(scores, -1.0, 1.0)) >= least)
