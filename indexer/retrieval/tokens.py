"""Words of a text, in the form in which keyword search compares them.

The same function reads products and queries. It knows no language: what it does to a word is little
enough to do no harm in any, since a catalog's language is not known and often changes within it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

__all__ = ["MAX_CHARACTERS", "code_of", "codes", "stem", "words"]

# What is read of one text; far more than any description, and a bound for hostile ones.
MAX_CHARACTERS = 100_000
# Longer runs of letters and digits are no words that anyone types again.
_MAX_WORD = 64

# Accents of Latin, Greek and Cyrillic letters. Marks of other scripts are vowels, and stay.
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
# "men's" is the word "mens"; in "l'eau" the apostrophe parts two words.
_POSSESSIVE = re.compile(r"(?<=\w)['\u2018\u2019\u02bc](?=s\b)")
_WORD = re.compile(r"[^\W_]+")
# Scripts without spaces between words (Thai to Burmese, Khmer, kana, Han) and Hangul, whose words
# carry their particles.
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
    """The words of a text, in order, repetitions included.

    Lower case, without accents, plurals as singulars (`stem`). Of scripts without spaces every two
    neighbouring characters are a word, as in Lucene's CJK analysis, and in texts to be found every
    character too, so that a query of one is answered.

    Args:
        text: Any text; `MAX_CHARACTERS` of it are read.
        query: Whether it is a query.
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
    """A plural's singular, by Harman's S stemmer ("How effective is suffixing?", JASIS 1991).

    Added to it: the plurals in -es after a hiss, on which the original leaves an e that the
    singular has not (dresses, watches, boxes), and a few irregular ones. Only the end of a word of
    four or more letters is touched, mostly its s, which is the plural of many languages.
    """
    if len(word) < 4 or word[-1] != "s":
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
    return word[:-1] if len(word) > 3 and word.endswith(("sse", "che", "she", "xe")) else word


def code_of(text: str) -> str:
    """A product id or model number as its letters and digits alone: `AB-1234/X` is `ab1234x`.

    Empty where there are none. Not shortened: two ids are alike only where all of both is.
    """
    return "".join(_WORD.findall(_folded(text)))


def codes(text: str, longest: int = 1) -> list[str]:
    """The codes that a text may name: whatever has a digit in it, without its punctuation.

    Args:
        text: Any text; `MAX_CHARACTERS` of it are read.
        longest: How many neighbouring pieces between spaces may be one code: of `XJ 9000 b`, 2 give
            `9000`, `xj9000` and `9000b`.
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
    """Lower case and without accents; alike however its characters were composed."""
    text = text[:MAX_CHARACTERS]
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).casefold()
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", text)).translate(_LETTERS)
    return _POSSESSIVE.sub("", text.lower())


def _pairs(run: str, *, query: bool) -> Iterator[str]:
    if len(run) == 1 or not query:
        yield from run
    yield from (run[place : place + 2] for place in range(len(run) - 1))
