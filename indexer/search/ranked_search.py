"""One query in one generation of an index: checked, ranked and cut into a page of hits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from functools import cached_property

import numpy as np

from embeddings import FloatArray
from indexer.calibration import (
    Confidence,
    Doubles,
    ceiling,
    confidence_by_words,
    falling,
    sigmoid,
)
from indexer.catalog import Scalar
from indexer.errors import QueryError
from indexer.index import Found, Index, Match, Nearest, index_kind
from indexer.retrieval import Predicate, parse_filter, without_field
from indexer.search.by_colour import main_point, palette, with_colour
from indexer.search.hybrid import SearchScope, TextSearch, found_at
from indexer.search.query import LikePart, Query, SearchMode, TextPart
from indexer.search.query_vector import EncodedParts, combine, query_kind
from indexer.search.ranking import (
    FITTED_QUERIES,
    FUSION_DEPTH,
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
    RankedPage,
    Ranking,
    boosted,
    check_arrangement,
    check_diversity,
    chosen_masks,
    colour_confidence,
    grouping_of,
    listed,
    mode_of,
    ordered_by_colour,
    page_of,
    rearranged,
    scores_of,
    sorted_places,
)
from indexer.search.understanding import without_words
from indexer.storage import IndexKind, QueryKind

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
        point: The colour that is asked for, of several the first; None for none.
    """

    def __init__(
        self,
        index: Index,
        confidence: Confidence | None,
        query: Query,
        encoded: EncodedParts | None,
    ) -> None:
        query = replace(query, mode=mode_of(index, query))
        columns = index.manifest.columns
        where = None if query.filter is None else parse_filter(dict(query.filter), columns)
        check_diversity(query.diversity)
        index.check_fields(query.fields or ())
        query = replace(query, group=grouping_of(index, query))
        check_arrangement(index, query.sort, query.boost)
        excluded = query.understood.excluded if query.understood else ()
        self.where = with_colour(index, query, without_words(excluded, where))
        self._wishes = ColourWishes.of(query)
        self.point = main_point(query)
        self._index = index
        self._confidence = confidence
        self._query = query
        self._kind = query_kind(query.parts)
        self._encoded = encoded
        self._liked = {part.id for part in query.parts if isinstance(part, LikePart)}
        self._vector = (
            combine(query.parts, encoded, index) if encoded is not None and query.parts else None
        )
        self._texts = [
            (part.text, part.weight)
            for part in query.parts
            if isinstance(part, TextPart) and part.weight > 0
        ]
        self._found: dict[tuple[Predicate | None, int], Nearest] = {}
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
        matches = self._matches(self.where)
        arranged, pinned = self._arranged(self._ordered(), matches, self._confidence_of)
        page = page_of(self._index, query, arranged, self._confidence_of, pinned)
        if matches.total or self._matching.by_filter_alone:
            return RankedPage(page, matches, no_match=False)
        if query.mode is SearchMode.KEYWORD and self._vector is None:
            return RankedPage([], matches, no_match=True)
        nearest = replace(query, min_confidence=0.0, mode=SearchMode.VECTOR)
        page = page_of(self._index, nearest, self._by_vector, self._confidence_of)
        return RankedPage(page, matches, no_match=True)

    def _ordered(self) -> Ranking:
        """Return the query's ranking by relevance and colours."""
        if self._wishes is None:
            return self._candidates
        return ordered_by_colour(self._index, self._wishes, self._candidates, self._relevance)

    def _arranged(
        self, ranking: Ranking, matches: Matches, confidence_of: ConfidenceOf | None
    ) -> tuple[Ranking, int]:
        """Return a ranking sorted or boosted, pinned and buried, and how many are pinned."""
        query, index = self._query, self._index
        pinned = self._pinned(ranking)
        if query.sort:
            segments, rows = sorted_places(index, matches.masks, query.sort, ranking(WINDOW))
            places = list(zip(segments.tolist(), rows.tolist(), strict=True))
            arranged: Ranking = lambda n: self._found_at(places[:n], ranking)  # noqa: E731
        else:
            arranged = boosted(
                index,
                query.boost,
                ranking,
                # Without confidence, a rank that falls to half.
                confidence_of or (lambda found: np.linspace(1.0, 0.5, len(found))),
            )
        return rearranged(arranged, pinned, self._is_buried()), len(pinned)

    def _found_at(self, places: Sequence[tuple[int, int]], ranking: Ranking) -> list[Found]:
        """Return products as a ranking has them, or behind its head by the vector alone."""
        depth = self._index.manifest.products if self._query.by_colour_alone else WINDOW
        known = {(hit.segment, hit.row): hit for hit in ranking(depth)}
        others = [place for place in places if place not in known]
        known |= zip(others, found_at(self._index, others, self._vector), strict=True)
        return [known[place] for place in places]

    def _pinned(self, ranking: Ranking) -> list[Found]:
        """Return the pinned products that may be found: those by id, then those by filters."""
        if not self._query.pin:
            return []
        index = self._index
        ids, masks = chosen_masks(index, self._query.pin)
        allowed = [segment.products_where(self.where) for segment in index.segments]
        places = dict.fromkeys(place for place in index.places(ids) if allowed[place[0]][place[1]])
        likely = ranking(WINDOW) if len(ids) < len(self._query.pin) else []
        return self._found_at(list(places), ranking) + [
            hit
            for hit in likely
            if masks[hit.segment][hit.row] and (hit.segment, hit.row) not in places
        ]

    def _is_buried(self) -> Callable[[Found], bool]:
        ids, masks = chosen_masks(self._index, self._query.bury)
        for number, row in self._index.places(ids):
            masks[number][row] = True
        return lambda hit: bool(masks[hit.segment][hit.row])

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

    def close(self) -> None:
        """Let go of the generation.

        What a search remembers refers to the search: without this, the files of a former generation
        would stay open until the garbage collector comes.
        """
        vars(self).clear()

    def _by_colour_alone(self) -> RankedPage:
        """Return the page of a query of colours alone, which needs no vector."""
        query, ranking = self._query, self._by_colour(self.where)
        matches = self._matches(self.where)
        arranged, pinned = self._arranged(ranking, matches, colour_confidence)
        page = page_of(self._index, query, arranged, colour_confidence, pinned)
        if not matches.total:
            shown = replace(query, min_confidence=0.0)
            page = page_of(self._index, shown, ranking, colour_confidence)
        return RankedPage(page, matches, no_match=not matches.total)

    def _by_colour(self, where: Predicate | None) -> ColourRanking:
        assert self._wishes is not None, "the query asks for a colour"
        return ColourRanking(self._index, self._wishes, where)

    def _candidates(self, count: int) -> list[Found]:
        """Return the first `count` products in the order of the query's mode."""
        query = self._query
        if not query.parts:
            return listed(self._index, count, self.where)
        if query.mode is SearchMode.KEYWORD:
            return self._text_search.by_keywords(count)
        if query.mode is SearchMode.HYBRID and self._texts:
            return self._text_search.hybrid(count, query.keyword_weight, query.fusion, self._kind)
        return self._by_vector(count)

    def _by_vector(self, count: int) -> list[Found]:
        """Return the nearest `count` products, up to `WINDOW` of them from one search."""
        return self._nearest(self.where, max(count, WINDOW)).first(count)

    def _nearest(self, where: Predicate | None, count: int = WINDOW) -> Nearest:
        if (known := self._found.get((where, count))) is not None:
            return known
        assert self._vector is not None, "only keyword search does without"
        found = self._index.nearest_places(
            self._vector, count, exclude=self._liked, where=where, kind=self._kind
        )
        self._found[where, count] = found
        return found

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
        known = self._by_cosine if fitted else None
        evidence = Evidence(self._kind, self._nearest, known, self._sure, self._words)
        excluded = self._index.places(self._liked)
        return Matching(self._index, self._query, evidence, excluded)

    @property
    def _words(self) -> Callable[[float], Masks] | None:
        if self._query.mode is SearchMode.KEYWORD:
            return lambda _: self._text_search.with_any_word(WORD_WINDOW)
        if not self._texts or not self._index.has_keywords:
            return None
        return lambda share: self._text_search.with_words(share, WORD_WINDOW)

    @cached_property
    def _text_search(self) -> TextSearch:
        scope = SearchScope(self.where, self._liked)
        return TextSearch(
            self._index, self._texts, self._vector, scope, lambda k, _: self._by_vector(k)
        )

    def _sure(self, where: Predicate | None) -> Masks:
        """Return the hits under another filter that reach the query's least confidence."""
        if where == self.where:
            return self._surest()
        other = RankedSearch(self._index, self._confidence, self._query, self._encoded)
        with closing(other):
            other.where = where
            return other._surest()

    def _surest(self) -> Masks:
        """Return the hits that reach the query's least confidence."""
        found = self._ordered()(WINDOW)
        masks = [np.zeros(len(segment.alive), np.bool_) for segment in self._index.segments]
        confidence_of = self._confidence_of
        if confidence_of is None:  # keywords without a model
            return masks, True
        confidences = confidence_of(found)
        for hit, confidence in zip(found, confidences.tolist(), strict=True):
            if confidence >= self._query.min_confidence:
                masks[hit.segment][hit.row] = True
        ended = len(found) < WINDOW or confidences[-1] < self._query.min_confidence
        return masks, ended and index_kind(self._index.manifest) == IndexKind.FLAT

    @cached_property
    def _confidence_of(self) -> ConfidenceOf | None:
        relevance, wishes = self._relevance, self._wishes
        if relevance is None or wishes is None:
            return relevance
        power = wishes.relevance
        return lambda found: np.asarray(relevance(found) ** power * colour_confidence(found))

    @cached_property
    def _relevance(self) -> ConfidenceOf | None:
        """Return the confidence of hits, colours apart."""
        by_cosine = self._by_cosine
        if by_cosine is None:
            return None
        if self._query.mode is SearchMode.VECTOR or not self._texts:
            return lambda found: by_cosine(scores_of(found))
        return lambda found: self._by_words(found, by_cosine)

    def _by_words(
        self, found: Sequence[Found], by_cosine: Callable[[FloatArray], Doubles]
    ) -> Doubles:
        """Return confidences that fall along the ranking; behind its head, by the vector alone."""
        head = self._head
        least = min(head.values(), default=1.0)
        alone = np.minimum(by_cosine(scores_of(found)), least).tolist()
        places = ((hit.segment, hit.row) for hit in found)
        return np.array([head.get(at, one) for at, one in zip(places, alone, strict=True)])

    @cached_property
    def _head(self) -> dict[tuple[int, int], float]:
        """The confidences of the first products of a ranking by words."""
        query, search, confidence = self._query, self._text_search, self._confidence
        assert confidence is not None
        assert self._vector is not None
        if query.mode is SearchMode.KEYWORD:
            found = search.by_keywords(2 * FUSION_DEPTH)
        else:
            found = search.fused(query.keyword_weight, query.fusion, self._kind)
        calibration = confidence.kinds[self._kind]
        logits = calibration.logits(self._vector[np.newaxis], scores_of(found)[np.newaxis])[0]
        likely = (
            confidence_by_words(logits, search.words_of(found))
            if self._kind is QueryKind.TEXT
            else sigmoid(logits)
        )
        places = [(hit.segment, hit.row) for hit in found]
        return dict(zip(places, falling(self._bounded(likely).tolist()), strict=True))

    def _bounded(self, confidences: Doubles) -> Doubles:
        return np.minimum(confidences, ceiling(self._index.manifest.products))

    @cached_property
    def _by_cosine(self) -> Callable[[FloatArray], Doubles] | None:
        """Return the confidences of cosines."""
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
        return lambda scores: self._bounded(confidence.of(self._kind, vector, scores))
