"""Forms of excluded words: where "stripes" are excluded, "stripe" and "striped" are too."""

from __future__ import annotations

import re
from collections.abc import Iterable

from indexer.retrieval import And, HasWords, Not, Predicate, words

__all__ = ["without_words", "words_pattern"]

_WORD = re.compile(r"[^\W_]+")
_VOWELS = frozenset("aeiou")
# Letters of words whose forms are tried; shorter ones have too many neighbours.
_SHORTEST = 4
# Words for one thing, of which each is excluded with the others.
_FAMILIES = tuple(
    frozenset(family.split())
    for family in (
        "floral flower flowery",
        "check checked checkered chequered plaid tartan gingham",
        "dot dotted polka",
        "stripe striped stripy pinstripe pinstriped",
        "grey gray",
        "multicolour multicoloured multicolor multicolored",
        "leather leathern",
        "sleeve sleeved",
        "print printed",
    )
)


def words_pattern(phrases: Iterable[str]) -> str:
    """Return a regular expression for texts that have one of some words or phrases.

    It is understood by Python and by RE2, and says nothing of what stands before and after.

    Args:
        phrases: Texts; the words of one stand side by side in what matches.
    """
    patterns = []
    for phrase in phrases:
        forms = [_forms(word) for word in _WORD.findall(phrase)]
        if forms:
            patterns.append(r"[\s\-_/]+".join(f"(?:{'|'.join(each)})" for each in forms))
    return "|".join(patterns)


def without_words(excluded: Iterable[str], where: Predicate | None) -> Predicate | None:
    """Add to a filter that products have none of some words; None for no filter."""
    pattern = words_pattern(excluded)
    if not pattern:
        return where
    has_none = Not(HasWords(pattern))
    return has_none if where is None else And((where, has_none))


def _forms(written: str) -> list[str]:
    # As it is written too: texts keep their accents.
    word = next(iter(words(written, query=True)), "")
    family = next((each for each in _FAMILIES if word in each), frozenset({word}))
    forms = {form for each in family for form in _endings(each)} | {written.lower()}
    forms.discard("")
    return [re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form))]


def _endings(word: str) -> set[str]:
    plurals = {word, f"{word}s", f"{word}es", f"{word}'s"}
    if len(word) < _SHORTEST or not word.isalpha():
        return plurals
    if word.endswith("y"):
        return plurals | {f"{word[:-1]}ies", f"{word[:-1]}ied"}
    if word.endswith("e"):
        return plurals | {f"{word}d", f"{word[:-1]}y"}
    if word.endswith("ed"):
        return plurals | {word[:-2], word[:-1], f"{word[:-2]}s", f"{word[:-1]}s"}
    if word[-1] not in _VOWELS and word[-2] in _VOWELS:
        plurals |= {f"{word}{word[-1]}ed", f"{word}{word[-1]}y"}
    return plurals | {f"{word}ed", f"{word}y"}
