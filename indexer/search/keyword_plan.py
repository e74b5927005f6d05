"""Keyword plan: the terms that a query's texts look up, with their weights in each segment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from indexer.retrieval import KeywordIndex, Term, code_of, codes, idf, words

__all__ = ["ID_SCORE", "KeywordPlan", "PlannedTerm", "expand_terms", "word_groups"]

# Words read of a query; later ones are ignored.
_MAX_WORDS = 32
# Characters read of a text.
_MAX_TEXT = 10_000
# A product gets this on top of BM25 for each word that it has. BM25 scores for one word hardly pass
# 30, so products with more of the words come first. Against BM25 alone this raised the MRR of
# queries of brand and attributes from 0.426 to 0.432, and that of titles from 0.778 to 0.780
# (fashion catalog, products that were not held back).
_MATCH_SCORE = 100.0
# The same for scores that are fused with the vector's. Each word then weighs about 1 more, however
# rare it is. Images show "running" as well as titles do, so its rarity in titles must not outweigh
# the brand. Against BM25's weights this raised precision@10 of a brand and a type that titles name
# differently ("nike sneakers") from 0.50 to 0.73; the MRR of title queries stayed the same.
_FUSED_MATCH_SCORE = 1.0
ID_SCORE = 10_000.0
"""Weight of a product whose id is the whole query: it comes first."""
# A word that so few products have may be a typo in the catalog: similarly spelt words are added
# with a low weight.
_RARE = 10
_RARE_WEIGHT = 0.1
# Least letters of a word that may differ by one letter, and by two, from a word of a product.
_ONE_TYPO, _TWO_TYPOS = 4, 8
# Weight of a word that matches with typos only.
_TYPO_WEIGHT = 0.5
# Within a longer query, digits alone are an id only from this length on: shorter ones are sizes and
# years.
_LONG_NUMBER = 5
# Neighbouring pieces of a query that may be one code, as in "XJ 9000 b".
_CODE_PIECES = 3

# Words that do not tell products apart. They are rare in catalogs, so BM25 would overrate them.
# English, German, French, Spanish, Italian, Portuguese and Dutch.
_FUNCTION_WORDS = frozenset(
    words(
        "a an and the of for with in on to or by from at my me i "
        "der die das und für mit ein eine im von zu le la les de des du et pour avec un une en au "
        "el los las y para con del il lo gli e per di da o os um uma com het een van voor met"
    )
)
_FUNCTION_WEIGHT = 0.3


@dataclass(frozen=True)
class PlannedTerm:
    """A term of a query that some product has.

    Attributes:
        term: The term.
        holders: How many products of each segment have it, deleted ones included.
        idf: Its inverse document frequency over all segments.
    """

    term: Term
    holders: tuple[int, ...]
    idf: float


class KeywordPlan:
    """The terms of a query's texts that any product has.

    Terms are weighted by how many products of all segments have them (deleted ones included, which
    are few), so that scores of several segments can be compared. The mean length of texts, which
    BM25 also needs, is each segment's own.

    Args:
        indexes: The keyword indexes of all segments.
        texts: The texts, each with its weight above 0.
    """

    def __init__(self, indexes: Sequence[KeywordIndex], texts: Sequence[tuple[str, float]]) -> None:
        self._products = [keywords.products for keywords in indexes]
        self._terms = []
        for term in expand_terms(indexes, texts):
            holders = tuple(keywords.document_frequency(term) for keywords in indexes)
            if any(holders):
                overall = idf(sum(holders), sum(self._products))
                self._terms.append(PlannedTerm(term, holders, overall))

    def __bool__(self) -> bool:
        return bool(self._terms)

    def ranking_terms(self, number: int) -> list[Term]:
        """Return the terms that rank one segment: BM25, with weights of all segments together."""
        terms = []
        for planned, term, holders in self._in_segment(number):
            if term.typos:
                # BM25 does not score matches with typos: they get the weight of a word that as many
                # products have.
                terms.append(replace(term, weight=term.weight * planned.idf))
            elif term.scored:
                correction = planned.idf / idf(holders, self._products[number])
                terms.append(replace(term, weight=term.weight * correction))
            else:
                terms.append(term)
        return terms

    def fusion_terms(self, number: int) -> list[Term]:
        """Return the terms that score one segment for fusion: all weigh the same, rare or not."""
        terms = []
        for _, term, holders in self._in_segment(number):
            weight = term.weight
            if term.scored and not term.typos:
                weight /= idf(holders, self._products[number])
            count = _FUSED_MATCH_SCORE * term.count / _MATCH_SCORE
            terms.append(replace(term, weight=weight, count=count))
        return terms

    @property
    def fusion_scale(self) -> float:
        """The fused score of one word: for having it, and for how much of the text it is."""
        return _FUSED_MATCH_SCORE + 1

    def _in_segment(self, number: int) -> Iterator[tuple[PlannedTerm, Term, int]]:
        for planned in self._terms:
            if holders := planned.holders[number]:
                yield planned, planned.term, holders


def expand_terms(
    indexes: Sequence[KeywordIndex], texts: Sequence[tuple[str, float]]
) -> Iterator[Term]:
    """Yield the terms to look up: words, their likely spellings, codes and ids.

    Args:
        indexes: The keyword indexes of all segments, which say what is rare or missing.
        texts: The texts, each with its weight above 0.
    """
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
            distinctive = len(code) >= _LONG_NUMBER or not code.isdigit()
            if distinctive and (code, True) not in seen:
                seen.add((code, True))
                yield Term(code, weight, of_id=True)
        if code := code_of(text):
            yield Term(code, ID_SCORE * weight, of_id=True, scored=False)


def word_groups(
    indexes: Sequence[KeywordIndex], texts: Sequence[tuple[str, float]]
) -> list[list[Term]]:
    """Return for each word of some texts the terms that stand for it; none if no product has any.

    Words that do not tell products apart ("with", "for") are left out.

    Args:
        indexes: As for `expand_terms`.
        texts: As for `expand_terms`.
    """
    found = dict.fromkeys(word for text, _ in texts for word in words(text[:_MAX_TEXT], query=True))
    meant = (word for word in found if word not in _FUNCTION_WORDS)
    return [[*_spellings(indexes, word, 1.0)] for word in islice(meant, _MAX_WORDS)]


def _spellings(indexes: Sequence[KeywordIndex], word: str, weight: float) -> Iterator[Term]:
    """Yield a word; where few products or none have it, also similarly spelt words."""
    if word in _FUNCTION_WORDS:
        yield Term(word, _FUNCTION_WEIGHT * weight)
        return
    exact = Term(word, weight, _MATCH_SCORE * weight)
    holders = sum(keywords.document_frequency(exact) for keywords in indexes)
    if holders:
        yield exact
    if holders > _RARE or len(word) < _ONE_TYPO or not word.isalpha():
        return
    for typos in (1, 2) if len(word) >= _TWO_TYPOS else (1,):
        similar = replace(
            exact, typos=typos, weight=_TYPO_WEIGHT * weight, count=_TYPO_WEIGHT * exact.count
        )
        if holders:
            similar = replace(similar, weight=_RARE_WEIGHT * weight, count=0.0)
        if sum(keywords.document_frequency(similar) for keywords in indexes) > holders:
            yield similar
            return
