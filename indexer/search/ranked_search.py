"""One query in one generation of an index: checked, ranked and cut into a page of hits."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from embeddings import FloatArray
from indexer.calibration import Confidence
from indexer.catalog import Scalar
from indexer.errors import QueryError
from indexer.index import Found, Index, Match, Nearest
from indexer.retrieval import (
    And,
    HasWords,
    Not,
    Predicate,
    checkpoint,
    parse_filter,
    without_field,
)
from indexer.search.by_colour import main_point, palette, with_colour
from indexer.search.hybrid import SearchScope, TextSearch
from indexer.search.query import LikePart, Query, SearchMode, TextPart
from indexer.search.query_vector import EncodedParts, combine, query_kind
from indexer.search.ranking import (
    FITTED_QUERIES,
    MATCH_CONFIDENCE,
    WINDOW,
    WORD_WINDOW,
    ColourRanking,
    ColourWishes,
    ConfidenceOf,
    Evidence,
    Masks,
    Matches,
    Matching,
    PageHit,
    Ranking,
    check_diversity,
    ordered_by_colour,
    page_of,
)
from indexer.search.understanding import words_pattern
from indexer.storage import QueryKind

__all__ = ["RankedPage", "RankedSearch"]


@dataclass(frozen=True)
class RankedPage:
    """One page of an answer.

    Attributes:
        page: The hits, best first; where nothing matches, the nearest products all the same.
        matches: The products that match.
        no_match: Whether nothing matches.
    """

    page: Sequence[PageHit]
    matches: Matches
    no_match: bool


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
        point: The colour that is asked for, of several the first; None for none.
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
        self.where = with_colour(index, query, _without_excluded(query, where))
        self._wishes = ColourWishes.of(query)
        self.point = main_point(query)
        self._index = index
        self._confidence = confidence
        self._query = query
        self._kind = query_kind(query.parts)
        liked = {part.id for part in query.parts if isinstance(part, LikePart)}
        self._vector = (
            combine(query.parts, encoded, index) if encoded is not None and query.parts else None
        )
        self._scope = SearchScope(self.where, liked)
        self._texts = [
            (part.text, part.weight)
            for part in query.parts
            if isinstance(part, TextPart) and part.weight > 0
        ]
        self._nearest = _NearestProducts(index, self._vector, self._scope.exclude, self._kind)
        self._matched: dict[Predicate | None, Matches] = {}

    def answer(self) -> RankedPage:
        """Return the hits of the query's page, and which products match.

        Raises:
            QueryError: Keywords are wanted and there is no text, or the index has none; or the
                index has no calibration and `min_confidence` is given.
        """
        query = self._query
        if not 0 <= query.min_confidence <= 1:
            raise QueryError("min_confidence is a probability, from 0 to 1.")
        if query.by_colour_alone:
            return self._by_colour_alone()
        ranking: Ranking = self._candidates
        confidence_of, wishes = self._confidence_of, self._wishes
        if wishes is not None:
            by_cosine = confidence_of is not None and query.mode is SearchMode.VECTOR
            relevance = confidence_of if by_cosine else None
            ranking = ordered_by_colour(self._index, wishes, ranking, relevance)
        power = 1.0 if wishes is None else wishes.relevance
        page = page_of(self._index, query, ranking, confidence_of, power)
        matches = self._matches(self.where)
        if matches.total or self._matching.by_filter_alone:
            return RankedPage(page, matches, no_match=False)
        if query.mode is SearchMode.KEYWORD and self._vector is None:
            return RankedPage([], matches, no_match=True)
        nearest = replace(query, min_confidence=0.0, mode=SearchMode.VECTOR)
        page = page_of(self._index, nearest, self._by_vector, self._confidence_of)
        return RankedPage(page, matches, no_match=True)

    def facets(self) -> dict[str, list[tuple[Scalar, int]]]:
        """Count the values of the query's facets over the products that match.

        Each field is counted as if the filter had no condition on it, so that the values beside the
        chosen one are counted, too.
        """
        return self._index.facets_of(
            {
                name: self._matches(without_field(self.where, name)).masks
                for name in self._query.facets
            }
        )

    def hits(self, page: Sequence[PageHit]) -> tuple[Match, ...]:
        """Return the products of a page, with their fields, and with their colours if asked for."""
        index, query = self._index, self._query
        coloured = query.colour is not None or bool(query.colours)
        matches = index.matches([hit.found for hit in page], self._query.fields)
        return tuple(
            replace(
                match,
                confidence=hit.confidence,
                grouped=index.ids(hit.others),
                colours=palette(index, hit.found, self.point) if coloured else (),
            )
            for match, hit in zip(matches, page, strict=True)
        )

    def _by_colour_alone(self) -> RankedPage:
        """Return the page of a query of colours alone, which needs no vector."""
        query, ranking = self._query, self._by_colour(self.where)
        matches = self._matches(self.where)
        asked = query if matches.total else replace(query, min_confidence=0.0)
        # The colours are all there is to be sure of.
        page = page_of(self._index, asked, ranking, lambda scores: np.ones(len(scores)))
        return RankedPage(page, matches, no_match=not matches.total)

    def _by_colour(self, where: Predicate | None) -> ColourRanking:
        assert self._wishes is not None, "the query asks for a colour"
        return ColourRanking(self._index, self._wishes, where)

    def _candidates(self, count: int) -> list[Found]:
        """Return the first `count` products in the order of the query's mode."""
        query = self._query
        if not query.parts:
            return self._listed(count)
        if query.mode is SearchMode.KEYWORD:
            return self._text_search.by_keywords(count)
        if query.mode is SearchMode.HYBRID and self._texts:
            return self._text_search.hybrid(count, query.keyword_weight, query.fusion, self._kind)
        return self._by_vector(count)

    def _listed(self, count: int) -> list[Found]:
        """Return the first `count` products in the order of the catalog, without a score."""
        found: list[Found] = []
        for number, segment in enumerate(self._index.segments):
            checkpoint()
            rows = np.flatnonzero(segment.products_where(self.where))[: count - len(found)]
            found += [
                Found(math.nan, number, row, segment.image_rows(row)[0]) for row in rows.tolist()
            ]
        return found

    def _by_vector(self, count: int) -> list[Found]:
        """Return the nearest `count` products, up to `WINDOW` of them from one search."""
        return self._nearest.first(self.where, count)

    def _matches(self, where: Predicate | None) -> Matches:
        if where not in self._matched and self._query.by_colour_alone:
            least = self._query.min_confidence or MATCH_CONFIDENCE[QueryKind.TEXT]
            masks = self._by_colour(where).surer_than(least)
            self._matched[where] = Matches(masks, exact=True)
        elif where not in self._matched:
            self._matched[where] = self._matching.of(where)
        return self._matched[where]

    @cached_property
    def _matching(self) -> Matching:
        queries = self._confidence.kinds[self._kind].queries if self._confidence else 0
        fitted = queries >= FITTED_QUERIES or self._query.min_confidence
        known = self._confidence_of if fitted else None
        evidence = Evidence(self._kind, self._vector, self._nearest, known, self._words)
        excluded = self._index.places(self._scope.exclude)
        return Matching(self._index, self._query, evidence, excluded)

    @property
    def _words(self) -> Callable[[float], Masks] | None:
        keyword = self._query.mode is SearchMode.KEYWORD
        if not keyword and not (self._texts and self._index.has_keywords):
            return None
        search = self._text_search
        if keyword:
            return lambda _: search.with_any_word(WORD_WINDOW)
        return lambda share: search.with_words(share, WORD_WINDOW)

    @cached_property
    def _text_search(self) -> TextSearch:
        scope, nearest = self._scope, self._nearest
        return TextSearch(
            self._index,
            self._texts,
            self._vector,
            scope,
            lambda count, _: nearest.first(scope.where, count),
        )

    @cached_property
    def _confidence_of(self) -> ConfidenceOf | None:
        confidence, kind, vector = self._confidence, self._kind, self._vector
        if vector is None:
            return None
        if confidence is None:
            if self._query.min_confidence:
                raise QueryError(
                    "This index was built by an older version and holds no confidence: build it "
                    "again, or leave min_confidence out."
                )
            return None
        return lambda scores: confidence.of(kind, vector, scores)


class _NearestProducts:
    """The products nearest to a query, searched for once for each filter and number.

    What a search passes on to its parts holds this and not the search: a circle of references keeps
    the files of a former generation open until the garbage collector comes.

    Args:
        index: The generation that answers.
        vector: `[dim]`, the query's; None where it has none.
        exclude: Ids of products to leave out.
        kind: What the query is made of.
    """

    def __init__(
        self, index: Index, vector: FloatArray | None, exclude: Collection[str], kind: QueryKind
    ) -> None:
        self._index = index
        self._vector = vector
        self._exclude = exclude
        self._kind = kind
        self._found: dict[tuple[Predicate | None, int], Nearest] = {}

    def __call__(self, where: Predicate | None, count: int = WINDOW) -> Nearest:
        """Return the nearest `count` products that pass a filter."""
        if (known := self._found.get((where, count))) is not None:
            return known
        assert self._vector is not None, "only keyword search does without"
        found = self._index.nearest_places(
            self._vector, count, exclude=self._exclude, where=where, kind=self._kind
        )
        self._found[where, count] = found
        return found

    def first(self, where: Predicate | None, count: int) -> list[Found]:
        """Return the places of the nearest `count`, up to `WINDOW` of them from one search."""
        return self(where, max(count, WINDOW)).first(count)


def _without_excluded(query: Query, where: Predicate | None) -> Predicate | None:
    """Add to a filter that products have none of the words that the query excludes."""
    pattern = words_pattern(query.understood.excluded) if query.understood else ""
    if not pattern:
        return where
    has_none = Not(HasWords(pattern))
    return has_none if where is None else And((where, has_none))
