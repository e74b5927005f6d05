"""Latin encodings told apart by the letters of languages: which one makes words of the bytes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

__all__ = ["LATIN", "best_latin"]

# Letters beyond ASCII of languages that are written in an encoding.
_WESTERN = (
    "äöüß",  # German
    "àâæçéèêëîïôœùûüÿ",  # French
    "áéíóúüñºª",  # Spanish
    "áâãàçéêíóôõúüºª",  # Portuguese
    "àèéìíòóùú",  # Italian
    "àçèéíïòóúü",  # Catalan
    "æøåé",  # Danish, Norwegian
    "åäöéü",  # Swedish, Finnish
    "áëïéèöüó",  # Dutch
    "áðéíóúýþæö",  # Icelandic
)
_CENTRAL = (
    "ąćęłńóśźż",  # Polish
    "áčďéěíňóřšťúůýž",  # Czech
    "áäčďéíĺľňóôŕšťúýž",  # Slovak
    "áéíóöőúüű",  # Hungarian
    "ăâîşţ",  # Romanian
    "čćđšž",  # Croatian, Slovenian
)
_TURKISH = ("çğıöşüâî",)
_BALTIC = ("āčēģīķļņōŗšūž", "ąčęėįšųūž", "äõöüšž")
LATIN: Mapping[str, tuple[str, ...]] = {
    "windows-1252": _WESTERN,
    "windows-1250": _CENTRAL,
    "iso8859-2": _CENTRAL,
    "windows-1254": _TURKISH,
    "windows-1257": _BALTIC,
    "mac-roman": _WESTERN,
}
"""Encodings of the Latin alphabet, the likeliest first, and the letters of their languages."""

_WORD = re.compile(rb"[^\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+")
# Signs that stand beside words, and say nothing of the language.
_SIGNS = (
    "\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2020\u2021\u2022\u2026\u2030\u2039\u203a€™"
    "\xa0¡¢£¥§©«®°±²³\xb4¶·\xb8»¼½¾¿\xd7÷"
)
# Words that are looked at.
_MOST_WORDS = 5000


def best_latin(sample: bytes, guess: str) -> str:
    """Return the encoding in which most words are of one language.

    Words that are the same in all encodings decide nothing.

    Args:
        sample: Lines of text.
        guess: The encoding that is taken where others are no better.
    """
    words = Counter(word for word in _WORD.findall(sample) if not word.isascii())
    found = words.most_common(_MOST_WORDS)
    telling = [(word, n) for word, n in found if len({*_decodings(word)}) > 1]
    if not telling:
        return guess
    order = [guess, *(name for name in LATIN if name != guess)]
    return max(order, key=lambda name: _score(name, telling))  # the first of equals


def _decodings(word: bytes) -> Iterable[str]:
    return (word.decode(name, "replace") for name in LATIN)


def _score(encoding: str, words: Iterable[tuple[bytes, int]]) -> float:
    """Return how well words suit an encoding: the share that fits a language, and one for all."""
    covered, fitting, total = Counter[str](), 0, 0
    for raw, count in words:
        total += count
        letters = _letters(raw, encoding)
        if letters is None:
            continue
        languages = [alphabet for alphabet in LATIN[encoding] if letters <= set(alphabet)]
        fitting += count * bool(languages)
        for alphabet in languages:
            covered[alphabet] += count
    best = max(covered.values(), default=0)
    return (fitting + best) / total


def _letters(raw: bytes, encoding: str) -> set[str] | None:
    """Return the letters of a word beyond ASCII; None if it is no word."""
    text = raw.decode(encoding, "replace").strip(_SIGNS).replace("İ", "i")
    beyond = {letter for letter in text.lower() if not letter.isascii()}
    return beyond if all(letter.isalpha() or letter in "ºª" for letter in beyond) else None
