"""Keyword and hybrid search over the segments of an index."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from embeddings import FloatArray
from indexer.calibration import HeldWords
from indexer.errors import QueryError
from indexer.index import Found, Index
from indexer.retrieval import KeywordIndex, Predicate, Term, checkpoint
from indexer.search.keyword_plan import ID_SCORE, KeywordPlan, word_groups
from indexer.search.query import Fusion
from indexer.search.ranking import FUSION_DEPTH, fuse_ranks, fuse_scores
from indexer.storage import Mask, QueryKind

__all__ = ["SearchScope", "TextSearch", "found_at"]


@dataclass(frozen=True)
class SearchScope:
    """Which products a search may find.

    Attributes:
        where: A predicate over their fields; None for all.
        exclude: Ids left out.
    """

    where: Predicate | None = None
    exclude: Collection[str] = ()


class TextSearch:
    """Keyword and hybrid search of one query's texts in one index.

    Args:
        index: The index.
        texts: The texts, each with its weight above 0.
        vector: `[dim]` unit vector of the whole query, from which `Found.score` is the cosine; None
            for keyword search without scores.
        scope: Which products may be found.
        nearest: Returns the k products of the scope that are nearest to the vector; by default the
            index is searched.

    Raises:
        QueryError: The index has no keywords, or there is no text.
    """

    def __init__(
        self,
        index: Index,
        texts: Sequence[tuple[str, float]],
        vector: FloatArray | None,
        scope: SearchScope,
        nearest: Callable[[int, QueryKind], list[Found]] | None = None,
    ) -> None:
        if not texts:
            raise QueryError("Keyword search needs words: give text, or search by vector.")
        self._index = index
        self._texts = texts
        self._vector = vector
        self._scope = scope
        self._nearest = nearest or self._searched
        self._keywords = [_keywords_of(segment.keywords) for segment in index.segments]
        self._plan = KeywordPlan(self._keywords, texts)
        self._exact = index.places(text.strip() for text, _ in texts)
        self._excluded = index.places(scope.exclude)

    def by_keywords(self, k: int) -> list[Found]:
        """Return the k products that match the words best; fewer only if fewer match any word.

        A product whose id is the query comes first. Then products are ordered by how many of the
        words they have, then by BM25, then by segment and row.
        """
        return found_at(self._index, self._ranking(k), self._vector)

    def hybrid(self, k: int, keyword_weight: float, fusion: Fusion, kind: QueryKind) -> list[Found]:
        """Return the k products that match words and vector best together.

        They are those of `fused`; all others follow in the vector's order.
        """
        fused = self.fused(keyword_weight, fusion, kind)
        if k > len(fused):
            places = {(hit.segment, hit.row) for hit in fused}
            further = self._nearest(k, kind)
            return [*fused, *(hit for hit in further if (hit.segment, hit.row) not in places)][:k]
        return fused[:k]

    def fused(self, keyword_weight: float, fusion: Fusion, kind: QueryKind) -> list[Found]:
        """Return the first `FUSION_DEPTH` products of both rankings, fused.

        Args:
            keyword_weight: The keywords' share, 0 to 1; the rest is the vector's.
            fusion: How the two rankings are fused.
            kind: What the vector was made of.
        """
        ranking = self._ranking(FUSION_DEPTH)
        nearest = self._nearest(FUSION_DEPTH, kind)
        found = {(hit.segment, hit.row): hit for hit in nearest}
        further = [place for place in ranking if place not in found]
        for hit in found_at(self._index, further, self._vector):
            found[hit.segment, hit.row] = hit
        hits = list(found.values())
        if not hits:
            return []
        if fusion is Fusion.RANKS:
            scores = fuse_ranks(list(found), ranking, len(nearest), keyword_weight)
        else:
            scores = fuse_scores(self._keyword_scores(list(found)), hits, keyword_weight)
        order = sorted(range(len(hits)), key=lambda n: (-scores[n], hits[n].segment, hits[n].row))
        return [hits[number] for number in order]

    def _searched(self, k: int, kind: QueryKind) -> list[Found]:
        assert self._vector is not None, "hybrid search ranks by the vector"
        scope = self._scope
        return self._index.nearest(
            self._vector, k, exclude=scope.exclude, where=scope.where, kind=kind
        )

    def words_of(self, found: Sequence[Found]) -> HeldWords:
        """Return how many of the words some products have."""
        groups = word_groups(self._keywords, self._texts)
        held = np.zeros(len(found), np.int64)
        segments = np.array([hit.segment for hit in found], np.int64)
        rows = np.array([hit.row for hit in found], np.int64)
        for number, keywords in enumerate(self._keywords):
            here = segments == number
            held[here] = keywords.count_held(groups, rows[here])
        exact = [(hit.segment, hit.row) in self._exact for hit in found]
        held[exact] = len(groups)
        return HeldWords(held, sum(map(bool, groups)), len(groups))

    def with_any_word(self, limit: int) -> tuple[list[Mask], bool]:
        """Return which products of any scope `by_keywords` finds.

        Args:
            limit: How many products of a segment are looked at.

        Returns:
            A mask over the product rows of each segment, and whether these are all.
        """
        return self._masks(lambda number: [self._plan.ranking_terms(number)], 1, limit)

    def with_words(self, share: float, limit: int) -> tuple[list[Mask], bool]:
        """Return which products of any scope have most words of the texts, or a text as their id.

        These are the products that have all words; if there are none, those that lack one, and so
        on.

        Args:
            share: The least share of the words that a product must have.
            limit: As for `with_any_word`, and so is the result.
        """
        groups = word_groups(self._keywords, self._texts)
        fewest = math.ceil(share * len(groups))
        for least in range(len(groups), max(fewest, 1), -1):
            found = self._masks(lambda _: groups, least, limit)
            if any(mask.any() for mask in found[0]):
                return found
        return self._masks(lambda _: groups, fewest, limit)

    def _masks(
        self, groups_of: Callable[[int], Sequence[Sequence[Term]]], least: int, limit: int
    ) -> tuple[list[Mask], bool]:
        masks, complete = [], True
        for number, segment in enumerate(self._index.segments):
            checkpoint()
            groups = groups_of(number)
            mask = np.zeros(segment.record.products, np.bool_)
            if least:
                rows = self._keywords[number].holding(groups, least, limit)
                complete &= len(rows) < limit
                mask[rows] = True
            mask[[row for other, row in self._exact if other == number]] = True
            masks.append(mask & segment.alive)
        return masks, complete

    def _ranking(self, k: int) -> list[tuple[int, int]]:
        """Return segment and row of the k products that match the words best."""
        if not self._plan and not self._exact:
            return []
        ranked: list[tuple[float, int, int]] = []
        for number, keywords in enumerate(self._keywords):
            checkpoint()
            allowed = self._allowed(number)
            scores, rows = keywords.search(self._plan.ranking_terms(number), k, allowed)
            ranked += zip((-scores).tolist(), [number] * len(rows), rows.tolist(), strict=True)
            for exact in self._exact:
                if exact[0] == number and (allowed is None or allowed[exact[1]]):
                    ranked.append((-np.inf, *exact))
        ranked.sort()
        return list(islice(dict.fromkeys((number, row) for _, number, row in ranked), k))

    def _allowed(self, number: int) -> Mask | None:
        """Return a mask over the products of a segment that may be found; None for all."""
        segment = self._index.segments[number]
        allowed = segment.products_where(self._scope.where)
        excluded = [row for other, row in self._excluded if other == number]
        if excluded:
            allowed = allowed.copy()
            allowed[excluded] = False
        return None if allowed.all() else allowed

    def _keyword_scores(self, places: Sequence[tuple[int, int]]) -> FloatArray:
        """Return `[n]` keyword scores, about 1 for each word; `ID_SCORE` more for an exact id."""
        scores = np.zeros(len(places))
        segments = np.array([number for number, _ in places])
        rows = np.array([row for _, row in places], np.int64)
        for number, keywords in enumerate(self._keywords):
            here = segments == number
            scores[here] = keywords.scores(self._plan.fusion_terms(number), rows[here])
        scores /= self._plan.fusion_scale
        exact = [place in self._exact for place in places]
        scores[exact] = ID_SCORE + scores.max(initial=0.0)
        return scores.astype(np.float32)


def found_at(
    index: Index, places: Sequence[tuple[int, int]], vector: FloatArray | None
) -> list[Found]:
    """Look up the image of some products that is nearest to a vector, or else the first.

    Args:
        index: The generation.
        places: Segment and row of each, each once.
        vector: `[dim]`; None for no scores.
    """
    if vector is None:
        return [
            Found(math.nan, number, row, index.segments[number].image_rows(row)[0])
            for number, row in places
        ]
    found: dict[tuple[int, int], Found] = {}
    for number, segment in enumerate(index.segments):
        rows = np.array([row for other, row in places if other == number], np.int64)
        cosines, images = segment.best_images(rows, vector)
        for row, cosine, image in zip(
            rows.tolist(), cosines.tolist(), images.tolist(), strict=True
        ):
            found[number, row] = Found(cosine, number, row, image)
    return [found[place] for place in places]


def _keywords_of(keywords: KeywordIndex | None) -> KeywordIndex:
    if keywords is None:
        raise QueryError(
            "This index was built before keyword search existed; run `lookalike index merge` on it "
            "once, or build it again."
        )
    return keywords
