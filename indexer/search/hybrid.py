"""Keyword and hybrid search over the segments of an index: what is asked, ranked and fused."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from embeddings import FloatArray
from indexer.errors import QueryError
from indexer.index import Found, Index
from indexer.retrieval import KeywordIndex, Predicate, Term, code_of, codes, idf, words
from indexer.search.query import Fusion
from indexer.storage import Mask, QueryKind

__all__ = ["DEPTH", "Candidates", "TextSearch"]

# How many of each ranking are fused. What lies beyond follows in the vector's order, so that the
# order of hits does not depend on how many are asked for.
DEPTH = 100
# The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009).
_RRF = 60

# Words read of a query; later ones are left out.
_MAX_WORDS = 32
_MAX_TEXT = 10_000
# For each word that it has, a product gets this on top of BM25, whose scores for one word hardly
# pass 30: who has more of the words comes first. Against BM25 alone this took the MRR of queries of
# brand and attributes from 0.426 to 0.432, and that of titles from 0.778 to 0.780 (fashion catalog,
# products not held back).
_COUNT = 100.0
# The same for the scores that are fused, in which a word weighs about 1 besides, however rare it
# is. Pictures tell "running" as well as titles do, so that its rarity in titles must not outweigh
# the brand: against BM25's weights this took precision@10 of a brand and a type that titles call
# otherwise ("nike sneakers") from 0.50 to 0.73, the MRR of title queries staying as it was.
_EVEN_COUNT = 1.0
# A product whose id is the whole query comes before everything.
_ID = 10_000.0
# Words that few products have may be typos in the catalog: those that are spelt nearly so follow.
_RARE = 10
_TAIL = 0.1
# Letters from which a word may differ by one from those of products, and by two.
_ONE_TYPO, _TWO_TYPOS = 4, 8
# What a word is worth that was only nearly found.
_TYPO = 0.5
# Digits alone are an id within a longer query only from this length on: shorter ones are sizes and
# years.
_LONG_NUMBER = 5
_CODE_PIECES = 3

# Of these no product needs to have more than another; rare in catalogs, BM25 would think much of
# them. English, German, French, Spanish, Italian, Portuguese and Dutch.
_FUNCTION_WORDS = frozenset(
    words(
        "a an and the of for with in on to or by from at my me i "
        "der die das und für mit ein eine im von zu le la les de des du et pour avec un une en au "
        "el los las y para con del il lo gli e per di da o os um uma com het een van voor met"
    )
)
_FUNCTION_WEIGHT = 0.3


@dataclass(frozen=True)
class Candidates:
    """Which products a search may find.

    Attributes:
        where: A predicate over their fields, or None.
        exclude: Ids left out.
    """

    where: Predicate | None = None
    exclude: Collection[str] = ()


@dataclass(frozen=True)
class _Planned:
    """A word that is asked, how many products of each segment have it, and its overall weight."""

    asked: Term
    holders: tuple[int, ...]
    idf: float


class TextSearch:
    """One query's words, ready to be searched in one index.

    Words weigh by how many products of all segments have them (deleted ones included, which are
    few), so that scores of several segments can be compared; the mean length of texts, which BM25
    needs too, is each segment's own.

    Args:
        index: The index.
        texts: The words, each text with its weight above 0.
        vector: `[dim]` unit vector of the whole query, from which `Found.score` is the cosine.
        candidates: Which products may be found.

    Raises:
        QueryError: The index has no keywords, or no text is given.
    """

    def __init__(
        self,
        index: Index,
        texts: Sequence[tuple[str, float]],
        vector: FloatArray,
        candidates: Candidates,
    ) -> None:
        if not texts:
            raise QueryError("Keyword search needs words: give text, or search by vector.")
        self._index = index
        self._vector = vector
        self._candidates = candidates
        self._keywords = [_keywords_of(segment.keywords) for segment in index.segments]
        self._plan = _plan(self._keywords, texts)
        self._exact = self._places(text.strip() for text, _ in texts)
        self._excluded = self._places(iter(candidates.exclude))

    def by_keywords(self, k: int) -> list[Found]:
        """The k products that match the words best; fewer only if no more have any of them.

        The one whose id is the query comes first, then by how many of the words a product has, then
        by BM25. Equals come in the order of segments and rows.
        """
        return self._with_cosines(self._ranking(k))

    def hybrid(self, k: int, weight: float, fusion: Fusion, kind: QueryKind) -> list[Found]:
        """The k products that match words and vector best together.

        The first `DEPTH` products of either ranking are put in one order; all others follow by
        their vectors.

        Args:
            k: How many.
            weight: The keywords' share, 0 to 1; the rest is the vector's.
            fusion: How the two are put together.
            kind: What the vector was made of.
        """
        ranking = self._ranking(DEPTH)
        nearest = self._nearest(DEPTH, kind)
        found = {(hit.segment, hit.row): hit for hit in nearest}
        for hit in self._with_cosines([place for place in ranking if place not in found]):
            found[hit.segment, hit.row] = hit
        hits = list(found.values())
        if not hits:
            return []
        if fusion is Fusion.RANKS:
            fused = _fused_ranks(list(found), ranking, len(nearest), weight)
        else:
            fused = _fused_scores(self._scores(list(found)), hits, weight)
        order = sorted(range(len(hits)), key=lambda n: (-fused[n], hits[n].segment, hits[n].row))
        fused_hits = [hits[number] for number in order]
        if k > len(hits):
            further = self._nearest(k, kind)
            fused_hits += [hit for hit in further if (hit.segment, hit.row) not in found]
        return fused_hits[:k]

    def _nearest(self, k: int, kind: QueryKind) -> list[Found]:
        candidates = self._candidates
        return self._index.nearest(
            self._vector, k, exclude=candidates.exclude, where=candidates.where, kind=kind
        )

    def _ranking(self, k: int) -> list[tuple[int, int]]:
        """Segment and row of the k best."""
        if not self._plan and not self._exact:
            return []
        ranked: list[tuple[float, int, int]] = []
        for number, keywords in enumerate(self._keywords):
            allowed = self._allowed(number)
            asked = _by_rarity(self._plan, number, keywords.products)
            scores, rows = keywords.search(asked, k, allowed)
            ranked += zip((-scores).tolist(), [number] * len(rows), rows.tolist(), strict=True)
            for exact in self._exact:
                if exact[0] == number and (allowed is None or allowed[exact[1]]):
                    ranked.append((-np.inf, *exact))
        ranked.sort()
        return list(islice(dict.fromkeys((number, row) for _, number, row in ranked), k))

    def _allowed(self, number: int) -> Mask | None:
        segment = self._index.segments[number]
        allowed = segment.products_where(self._candidates.where)
        excluded = [row for other, row in self._excluded if other == number]
        if excluded:
            allowed = allowed.copy()
            allowed[excluded] = False
        return None if allowed.all() else allowed

    def _scores(self, places: Sequence[tuple[int, int]]) -> FloatArray:
        """How well words match some products; far above all others where the id is the query."""
        scores = np.zeros(len(places))
        segments = np.array([number for number, _ in places])
        rows = np.array([row for _, row in places], np.int64)
        for number, keywords in enumerate(self._keywords):
            here = segments == number
            asked = _evenly(self._plan, number, keywords.products)
            scores[here] = keywords.scores(asked, rows[here])
        # About 1 for each word: for having it, and for how much of the text it is.
        scores /= _EVEN_COUNT + 1
        exact = [place in self._exact for place in places]
        scores[exact] = _ID + scores.max(initial=0.0)
        return scores.astype(np.float32)

    def _with_cosines(self, places: Sequence[tuple[int, int]]) -> list[Found]:
        found: dict[tuple[int, int], Found] = {}
        for number, segment in enumerate(self._index.segments):
            rows = np.array([row for other, row in places if other == number], np.int64)
            cosines, images = segment.best_images(rows, self._vector)
            for row, cosine, image in zip(
                rows.tolist(), cosines.tolist(), images.tolist(), strict=True
            ):
                found[number, row] = Found(cosine, number, row, image)
        return [found[place] for place in places]

    def _places(self, ids: Iterator[str]) -> list[tuple[int, int]]:
        """Segment and row of the products with some ids, as far as there are such."""
        places = []
        for product_id in ids:
            for number, segment in enumerate(self._index.segments):
                row = segment.find(product_id)
                if row is not None:
                    places.append((number, row))
        return places


def _keywords_of(keywords: KeywordIndex | None) -> KeywordIndex:
    if keywords is None:
        raise QueryError(
            "This index was built before there was keyword search; run `lookalike index merge` on "
            "it once, or build it again."
        )
    return keywords


def _plan(indexes: Sequence[KeywordIndex], texts: Sequence[tuple[str, float]]) -> list[_Planned]:
    """What is asked, as far as any product has it."""
    total = sum(keywords.products for keywords in indexes)
    plan = []
    for asked in _asked(indexes, texts):
        holders = tuple(keywords.document_frequency(asked) for keywords in indexes)
        if any(holders):
            plan.append(_Planned(asked, holders, idf(sum(holders), total)))
    return plan


def _by_rarity(plan: Sequence[_Planned], number: int, products: int) -> list[Term]:
    """What a segment is asked for ranking it: words weigh as all segments together have them."""
    asked = []
    for word in plan:
        here, what = word.holders[number], word.asked
        if not here:
            continue
        if what.typos:
            # BM25 scores no such matches; the weight of a word that as many products have.
            asked.append(replace(what, weight=what.weight * word.idf))
        elif what.scored:
            asked.append(replace(what, weight=what.weight * word.idf / idf(here, products)))
        else:
            asked.append(what)
    return asked


def _evenly(plan: Sequence[_Planned], number: int, products: int) -> list[Term]:
    """What a segment is asked for fusing: every word weighs the same, however rare it is."""
    asked = []
    for word in plan:
        here, what = word.holders[number], word.asked
        if not here:
            continue
        weight = (
            what.weight / idf(here, products) if what.scored and not what.typos else what.weight
        )
        asked.append(replace(what, weight=weight, count=_EVEN_COUNT * what.count / _COUNT))
    return asked


def _asked(indexes: Sequence[KeywordIndex], texts: Sequence[tuple[str, float]]) -> Iterator[Term]:
    seen: set[tuple[str, bool]] = set()
    for whole, weight in texts:
        text = whole[:_MAX_TEXT]
        single = list(islice(dict.fromkeys(words(text, query=True)), _MAX_WORDS))
        several = [code for code in codes(text, _CODE_PIECES) if code not in single]
        for word in single + several[:_MAX_WORDS]:
            if (word, False) not in seen:
                seen.add((word, False))
                yield from _spellings(indexes, word, weight)
        for code in codes(text)[:_MAX_WORDS]:
            telling = len(code) >= _LONG_NUMBER or not code.isdigit()
            if telling and (code, True) not in seen:
                seen.add((code, True))
                yield Term(code, weight, of_id=True)
        if code := code_of(text):
            yield Term(code, _ID * weight, of_id=True, scored=False)


def _spellings(indexes: Sequence[KeywordIndex], word: str, weight: float) -> Iterator[Term]:
    """A word; where no or few products have it, also those that are spelt nearly so."""
    if word in _FUNCTION_WORDS:
        yield Term(word, _FUNCTION_WEIGHT * weight)
        return
    exactly = Term(word, weight, _COUNT * weight)
    holders = sum(keywords.document_frequency(exactly) for keywords in indexes)
    if holders:
        yield exactly
    if holders > _RARE or len(word) < _ONE_TYPO or not word.isalpha():
        return
    for typos in (1, 2) if len(word) >= _TWO_TYPOS else (1,):
        nearly = replace(exactly, typos=typos, weight=_TYPO * weight, count=_TYPO * exactly.count)
        if holders:
            nearly = replace(nearly, weight=_TAIL * weight, count=0.0)
        if sum(keywords.document_frequency(nearly) for keywords in indexes) > holders:
            yield nearly
            return


def _fused_ranks(
    places: Sequence[tuple[int, int]],
    ranking: Sequence[tuple[int, int]],
    nearest: int,
    weight: float,
) -> FloatArray:
    """Reciprocal rank fusion; the first `nearest` places are the vector's ranking."""
    ranks = {place: number for number, place in enumerate(ranking, start=1)}
    return np.array(
        [
            (weight / (_RRF + ranks[place]) if place in ranks else 0.0)
            + ((1 - weight) / (_RRF + number) if number <= nearest else 0.0)
            for number, place in enumerate(places, start=1)
        ]
    )


def _fused_scores(scores: FloatArray, hits: Sequence[Found], weight: float) -> FloatArray:
    """A weighted sum of the words that match and of how near the vector is, 0 to 1.

    A linear combination, after Bruch, Gai and Ingber ("An Analysis of Fusion Functions for Hybrid
    Retrieval", TOIS 2023), who found it better than ranks, as we did. Unlike theirs every candidate
    has both of its scores, whichever ranking it is from, and the words are not scaled by the best
    match: one word more weighs the same in a long query as in a short one. On products not held
    back that took the MRR of queries of brand and attributes from 0.419 to 0.443, and that of
    titles from 0.776 to 0.782.
    """
    cosines = np.array([hit.score for hit in hits])
    low, high = float(cosines.min()), float(cosines.max())
    near = (cosines - low) / (high - low) if high > low else np.ones(len(hits))
    return np.asarray(weight * scores + (1 - weight) * near, np.float64)
