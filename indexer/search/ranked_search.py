"""One query in one generation of an index: checked, ranked and cut into a page of hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from indexer.calibration import Confidence
from indexer.errors import QueryError
from indexer.index import Found, Index, Match
from indexer.retrieval import parse_filter
from indexer.search.by_colour import with_colour
from indexer.search.hybrid import SearchScope, TextSearch
from indexer.search.query import LikePart, Query, SearchMode, TextPart
from indexer.search.query_vector import EncodedParts, combine, query_kind
from indexer.search.ranking import (
    ConfidenceOf,
    PageHit,
    check_diversity,
    ordered_by_colour,
    page_of,
)

__all__ = ["RankedSearch"]


class RankedSearch:
    """The steps of one search.

    Args:
        index: The generation that answers.
        confidence: Its calibration; None in indexes of older versions.
        query: The query.
        encoded: The vectors of its texts and images; None if it needs none.

    Raises:
        QueryError: The query does not fit the index.

    Attributes:
        where: The products that may be found, its colour included; None for all.
    """

    def __init__(
        self,
        index: Index,
        confidence: Confidence | None,
        query: Query,
        encoded: EncodedParts | None,
    ) -> None:
        columns = index.manifest.columns
        where = None if query.filter is None else parse_filter(dict(query.filter), columns)
        check_diversity(query.diversity)
        index.check_fields(query.fields or ())
        index.check_fields([query.group] if isinstance(query.group, str) else [])
        self.where = with_colour(index, query, where)
        self._index = index
        self._confidence = confidence
        self._query = query
        self._kind = query_kind(query.parts)
        liked = {part.id for part in query.parts if isinstance(part, LikePart)}
        self._vector = None if encoded is None else combine(query.parts, encoded, index)
        self._scope = SearchScope(self.where, liked)
        self._texts = [
            (part.text, part.weight)
            for part in query.parts
            if isinstance(part, TextPart) and part.weight > 0
        ]

    def page(self) -> list[PageHit]:
        """Return the hits of the query's page.

        Raises:
            QueryError: Keywords are wanted and there is no text, or the index has none; or the
                index has no calibration and `min_confidence` is given.
        """
        ranking = ordered_by_colour(self._index, self._query, self._candidates)
        return page_of(self._index, self._query, ranking, self._confidence_of())

    def hits(self, page: Sequence[PageHit]) -> tuple[Match, ...]:
        """Return the products of a page, with their fields."""
        matches = self._index.matches([hit.found for hit in page], self._query.fields)
        return tuple(
            replace(match, confidence=hit.confidence, grouped=self._index.ids(hit.others))
            for match, hit in zip(matches, page, strict=True)
        )

    def _candidates(self, count: int) -> list[Found]:
        """Return the first `count` products in the order of the query's mode."""
        query = self._query
        if query.mode is SearchMode.KEYWORD:
            return self._text_search.by_keywords(count)
        if query.mode is SearchMode.HYBRID and self._texts:
            return self._text_search.hybrid(count, query.keyword_weight, query.fusion, self._kind)
        assert self._vector is not None, "only keyword search does without"
        scope = self._scope
        return self._index.nearest(
            self._vector, count, exclude=scope.exclude, where=scope.where, kind=self._kind
        )

    @cached_property
    def _text_search(self) -> TextSearch:
        return TextSearch(self._index, self._texts, self._vector, self._scope)

    def _confidence_of(self) -> ConfidenceOf | None:
        if not 0 <= self._query.min_confidence <= 1:
            raise QueryError("min_confidence is a probability, from 0 to 1.")
        confidence, vector = self._confidence, self._vector
        if vector is None:
            return None
        if confidence is None:
            if self._query.min_confidence:
                raise QueryError(
                    "This index was built by an older version and holds no confidence: build it "
                    "again, or leave min_confidence out."
                )
            return None
        return lambda scores: confidence.of(self._kind, vector, scores)
