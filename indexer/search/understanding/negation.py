"""Negation in the text of a query: "shirt without stripes", "tshirt not black", "striped -blue"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["NEGATORS", "Reading", "has_negation", "read_negation"]

NEGATORS = ("no", "not", "without")
"""Words that may be a part of a product's name too, such as "no iron"."""

# Words that negate what follows; those of two words come as pairs.
_SINGLE = frozenset({*NEGATORS, "w/o", "except", "excluding"})
_DOUBLE = frozenset({("other", "than"), ("instead", "of"), ("rather", "than"), ("anything", "but")})
# Before a negator these only join: "red but not striped".
_JOINING = frozenset({"but", "and", "with"})
_ARTICLES = frozenset({"a", "an", "any", "the", "have", "having"})
# What is excluded ends before these words.
_ENDS = frozenset({
    "with", "for", "in", "on", "at", "from", "under", "over", "below", "above", "between",
    "but", "to", "that", "which", "who", "and", "or", "nor", "by", "if", "because", "please",
})  # fmt: skip
_AGAIN = frozenset({"or", "nor", "and"})
# "Not too long" asks for a degree, and excludes nothing that a product could have.
_DEGREES = frozenset({
    "too", "very", "so", "really", "that", "quite", "only", "just", "even", "much", "more",
    "less", "overly", "as", "necessarily", "sure", "for", "to",
})  # fmt: skip
# Words that make an adjective with "no": "no iron shirt" is wanted, with its iron-free cloth.
_COMPOUNDS = frozenset({
    "iron", "show", "slip", "sew", "bake", "pull", "rinse", "tear", "tears", "wrinkle",
    "crease", "fuss", "drill", "name", "touch", "spill", "stick", "fog", "chip", "frills",
    "fear", "limit", "limits", "problem", "tie", "brainer", "nonsense", "one", "more", "longer",
    "kidding", "mess", "dig", "roll", "cook", "peel", "scratch", "shed", "heat", "hassle",
    "crush", "leak", "skid", "smoke", "flame", "spin", "bull", "bounce", "stain",
})  # fmt: skip
# Words that join a negation to what it describes: "shirt that is not striped".
_VERBS = frozenset({"that", "which", "who", "is", "are", "has", "have", "do", "does"})
_MOST_WORDS = 3  # of one excluded phrase
_MOST_PHRASES = 8
_LONGEST = 500  # characters; longer texts are descriptions, not what somebody typed

_TOKEN = re.compile(r'-?["\u201c\u201d\u201e][^"\u201c\u201d\u201e]*["\u201c\u201d]|\S+')
_QUOTES = '"\u201c\u201d\u201e'
_EDGES = ",;:.!?()[]"
_SIGN = re.compile(
    r'["\u201c\u201d\u201e]|(?<!\S)-[^\W\d]|\b(no|not|without|except|excluding|w/o|other than'
    r"|instead of|rather than|anything but)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reading:
    """A text, read.

    Attributes:
        kept: What is wanted, without quotes; empty if the text only excludes.
        excluded: What is not wanted, as it was written.
    """

    kept: str
    excluded: tuple[str, ...]


def has_negation(text: str) -> bool:
    """Return whether a text may exclude something, or quotes something; quick, and often right."""
    return len(text) <= _LONGEST and _SIGN.search(text) is not None


def read_negation(text: str, is_name: Callable[[str, str], bool] = lambda *_: False) -> Reading:
    """Split a text into what is wanted and what is not.

    Words after `without`, `no`, `not` and the like are excluded, as far as the phrase goes: to a
    comma, a preposition, or three words. So is a word or a quoted phrase after a minus sign. Quoted
    text is wanted as it is. Degrees ("not too long"), numbers ("No. 5") and adjectives ("no iron")
    exclude nothing, and neither do names of the catalog.

    Args:
        text: The text.
        is_name: Whether the catalog itself has a negator (of `NEGATORS`) before a word.
    """
    return _Reader(_TOKEN.findall(text), is_name).read()


class _Reader:
    """Reads tokens from the left to the right."""

    def __init__(self, tokens: Sequence[str], is_name: Callable[[str, str], bool]) -> None:
        self._tokens = tokens
        self._is_name = is_name
        self._place = 0
        self._kept: list[str] = []
        self._excluded: list[str] = []

    def read(self) -> Reading:
        while self._place < len(self._tokens):
            token = self._tokens[self._place]
            if token[0] in _QUOTES:
                self._kept.append(token.strip(_QUOTES))
                self._place += 1
            elif _is_minus(token):
                self._excluded.append(token[1:].strip(_QUOTES + _EDGES))
                self._place += 1
            elif not self._negated():
                self._kept.append(token)
                self._place += 1
        excluded = tuple(dict.fromkeys(filter(None, self._excluded)))[:_MOST_PHRASES]
        return Reading(" ".join(self._kept).strip(f" {_EDGES}"), excluded)

    def _negated(self) -> bool:
        """Read a negator and what it excludes, if there is one here."""
        start = self._place
        if self._word(start) in _JOINING and self._negator_length(start + 1):
            start += 1
        length = self._negator_length(start)
        if not length:
            return False
        place = start + length
        phrases: list[str] = []
        while place < len(self._tokens):
            place, phrase = self._phrase(place, one_word=self._is_leading_not(start))
            if not phrase:
                break
            phrases.append(phrase)
            ended = self._tokens[place - 1][-1] in _EDGES
            if ended or self._word(place) not in _AGAIN or not self._continues(place + 1):
                break
            place += 1
        if not phrases:
            return False
        while self._kept and self._kept[-1].lower() in _VERBS:
            self._kept.pop()
        self._excluded += phrases
        self._place = place
        return True

    def _negator_length(self, place: int) -> int:
        """Return the number of words of the negator at a place; 0 if there is none."""
        word, after = self._word(place), self._word(place + 1)
        if (word, after) in _DOUBLE:
            return 2
        if word not in _SINGLE or not after or self._tokens[place][-1] in _EDGES:
            return 0
        if not after[0].isalpha() and self._tokens[place + 1][0] not in _QUOTES:
            return 0  # "No 5"
        if (word == "not" and after in _DEGREES) or (word == "no" and after in _COMPOUNDS):
            return 0
        return 0 if word in NEGATORS and self._is_name(word, after) else 1

    def _phrase(self, place: int, *, one_word: bool) -> tuple[int, str]:
        """Read one excluded phrase; return the place after it, and the phrase."""
        while self._word(place) in _ARTICLES:
            place += 1
        found: list[str] = []
        while place < len(self._tokens) and len(found) < (1 if one_word else _MOST_WORDS):
            token, word = self._tokens[place], self._word(place)
            if token[0] in _QUOTES:
                if not found:
                    found.append(token.strip(_QUOTES))
                    place += 1
                break
            if word in _ENDS or _is_minus(token) or self._negator_length(place):
                break
            found.append(token.strip(_EDGES))
            place += 1
            if token[-1] in _EDGES:
                break
        if not self._kept and len(found) > 1 and place == len(self._tokens):
            wanted = len(found) - _ends_at(found)
            place, found = place - wanted, found[: len(found) - wanted]
        return place, " ".join(filter(None, found))

    def _continues(self, place: int) -> bool:
        """Whether another excluded phrase begins here, after "or" or "and"."""
        word = self._word(place)
        return bool(word) and word not in _ENDS and not self._negator_length(place)

    def _is_leading_not(self, start: int) -> bool:
        """Whether nothing wanted came before a "not": "not black tshirt" wants a tshirt."""
        return not self._kept and self._word(start) == "not"

    def _word(self, place: int) -> str:
        if place >= len(self._tokens):
            return ""
        return self._tokens[place].strip(_EDGES).lower()


def _ends_at(words: Sequence[str]) -> int:
    """Return how many words are excluded where nothing wanted came before.

    "No sleeves top" and "no collar shirt" want what comes last, "no polka dots" does not. Before a
    plural, words describe it.
    """
    for count, word in enumerate(words, 1):
        if word.lower().endswith("s") and not word.lower().endswith("ss"):
            return count
    return len(words) - 1


def _is_minus(token: str) -> bool:
    return len(token) > 1 and token[0] == "-" and (token[1].isalpha() or token[1] in _QUOTES)
