"""Tokens of keyword search: words and codes of a text, in the form in which they are compared.

Products and queries are tokenised by the same functions. They are independent of the language,
since a catalog's language is not known and often changes within it: what they do to a word is
little enough to do no harm in any language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

__all__ = ["MAX_CHARACTERS", "code_of", "codes", "stem", "words"]

MAX_CHARACTERS = 100_000
"""Characters that are read of one text: more than any description has; bounds hostile texts."""

# Characters that are kept of a word. Nobody types a longer run of letters and digits again.
_MAX_WORD = 64
# Letters of the shortest words that have a plural ending.
_SHORTEST_PLURAL = 4

# Accents of Latin, Greek and Cyrillic letters. Marks of other scripts are vowels and are kept.
_ACCENTS = re.compile("[\u0300-\u036f]+")
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "đ": "d",
        "ð": "d",
        "ł": "l",
        "ħ": "h",
        "\u0131": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
    }
)
# "men's" is one word, "mens"; in "l'eau" the apostrophe separates two words.
_POSSESSIVE = re.compile(r"(?<=\w)['\u2018\u2019\u02bc](?=s\b)")
_WORD = re.compile(r"[^\W_]+")
# Scripts without spaces between words (Thai to Burmese, Khmer, kana, Han), and Hangul, where
# particles are joined to words.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\U00020000-\U0003ffff]+"
)
_DIGIT = re.compile(r"\d")
_IRREGULAR = {
    "men": "man",
    "women": "woman",
    "children": "child",
    "feet": "foot",
    "scarves": "scarf",
    "knives": "knife",
    "shelves": "shelf",
}


def words(text: str, *, query: bool = False) -> list[str]:
    """Return the words of a text, in order, repetitions included.

    They are in lower case, without accents, plurals as singulars (`stem`). In scripts without
    spaces every two neighbouring characters are a word, as in Lucene's CJK analysis. Texts of
    products give every single character too, so that a query of one character finds something.

    Args:
        text: Any text; `MAX_CHARACTERS` of it are read.
        query: Whether it is a query, not the text of a product.
    """
    found: list[str] = []
    for match in _WORD.finditer(_folded(text)):
        word = match[0]
        if word.isascii():
            found.append(stem(word[:_MAX_WORD]))
            continue
        start = 0
        for run in _UNSPACED.finditer(word):
            if run.start() > start:
                found.append(stem(word[start : run.start()][:_MAX_WORD]))
            found.extend(_pairs(run[0], query=query))
            start = run.end()
        if start < len(word):
            found.append(stem(word[start:][:_MAX_WORD]))
    return found


def stem(word: str) -> str:
    """Return the singular of a plural, by Harman's S stemmer.

    The rules are those of "How effective is suffixing?" (JASIS 1991), with two additions: plurals
    in -es after a sibilant lose the e too (dresses, watches, boxes), and a few irregular plurals
    are listed. Only the end of a word of four or more letters changes, mostly an s, which marks the
    plural in many languages.
    """
    if len(word) < _SHORTEST_PLURAL or word[-1] != "s":
        return _IRREGULAR.get(word) or _without_e(word)
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    if word.endswith(("us", "ss")):
        return word
    singular = word[:-1]
    return _IRREGULAR.get(singular) or _without_e(singular)


def _without_e(word: str) -> str:
    sibilant = len(word) >= _SHORTEST_PLURAL and word.endswith(("sse", "che", "she", "xe"))
    return word[:-1] if sibilant else word


def code_of(text: str) -> str:
    """Return the letters and digits of a product id or model number: `AB-1234/X` is `ab1234x`.

    Empty where there are none. It is not shortened, so that only equal ids are equal.
    """
    return "".join(_WORD.findall(_folded(text)))


def codes(text: str, longest: int = 1) -> list[str]:
    """Return the codes that a text may contain: pieces with a digit, without punctuation.

    Args:
        text: Any text; `MAX_CHARACTERS` of it are read.
        longest: How many neighbouring pieces between spaces may form one code. With 2, `XJ 9000 b`
            gives `9000`, `xj9000` and `9000b`.
    """
    pieces = [code for piece in _folded(text).split() if (code := "".join(_WORD.findall(piece)))]
    return list(dict.fromkeys(_runs(pieces, longest)))


def _runs(pieces: Sequence[str], longest: int) -> Iterator[str]:
    for size in range(1, longest + 1):
        for start in range(len(pieces) - size + 1):
            code = "".join(pieces[start : start + size])
            if len(code) <= _MAX_WORD and _DIGIT.search(code):
                yield code


def _folded(text: str) -> str:
    """Return a text in lower case and without accents, the same for every Unicode composition."""
    text = text[:MAX_CHARACTERS]
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).casefold()
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", text)).translate(_LETTERS)
    return _POSSESSIVE.sub("", text.lower())


def _pairs(run: str, *, query: bool) -> Iterator[str]:
    if len(run) == 1 or not query:
        yield from run
    yield from (run[place : place + 2] for place in range(len(run) - 1))
