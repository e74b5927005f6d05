"""Training batches: images by set and row, texts, and which text is true of which image."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scripts.training.data.captions import (
    Caption,
    Product,
    colour_words,
    compose,
    drawing_phrase,
    grocery_name,
    looks,
    two_colour_phrase,
    type_words,
)
from scripts.training.data.catalogs import (
    CLOTHING,
    FASHION,
    GROCERY_PHOTOS,
    GROCERY_PRODUCTS,
    SetRows,
)
from scripts.training.data.drawn import TRAIN_DRAWINGS, DrawnSet
from scripts.training.data.vocabulary import CLOTHING_NAMES, LABEL_TEMPLATES, USAGE_NAMES

__all__ = ["Anchors", "Codes", "Portion", "Sampler", "fashion_products"]

Rows = NDArray[np.int64]
Truth = NDArray[np.float32]


@dataclass(frozen=True)
class Anchors:
    """A closed list of labels that images are classified by.

    Attributes:
        texts: One text a label, drawn anew for every step.
        truth: The right label of each image; -1 where it is unknown.
        weight: The weight of the loss.
    """

    texts: list[str]
    truth: Rows
    weight: float


@dataclass(frozen=True)
class Portion:
    """The part of a step that comes from one set.

    Attributes:
        name: The set.
        rows: Its row numbers, `[n]`.
        texts: One text an image.
        truth: `[texts, images]`, 1 where the text is true of the image.
        anchors: Label lists.
        captions: The texts with their claims, for the fashion set.
    """

    name: str
    rows: Rows
    texts: list[str]
    truth: Truth
    anchors: list[Anchors]
    captions: list[Caption] = field(default_factory=list)


def fashion_products(rows: SetRows) -> list[Product]:
    """Return the products of the fashion set, with the facts that captions are made of."""
    columns = {
        "type": "article_type",
        "colour": "base_colour",
        "gender": "gender",
        "usage": "usage",
        "season": "season",
    }
    products = []
    for row, title in enumerate(rows.columns["title"]):
        facts = {name: rows.columns[column][row] for name, column in columns.items()}
        facts["looks"] = looks(title)
        facts["title"] = title
        known = {k: v for k, v in facts.items() if k == "title" or v not in ("", "NA")}
        products.append(Product(title, known))
    return products


def _lowered(name: str) -> tuple[str, ...]:
    return (name.lower(),)


def _usage_words(name: str) -> tuple[str, ...]:
    words = USAGE_NAMES.get(name, _lowered(name))
    return (*words, *(f"{word} wear" for word in words), *(f"{word} item" for word in words))


_LABEL_WORDS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "type": type_words,
    "colour": colour_words,
    "gender": _lowered,
    "usage": _usage_words,
    "season": _lowered,
}


class Codes:
    """Facts as small integers, so that the truth of a batch takes a few array comparisons."""

    def __init__(self, products: Sequence[Product]) -> None:
        names = sorted({name for product in products for name in product.facts})
        self._place = {name: place for place, name in enumerate(names)}
        self._codes: dict[tuple[str, str], int] = {}
        self._facts = np.full((len(products), len(names)), -1, dtype=np.int32)
        for row, product in enumerate(products):
            for name, value in product.facts.items():
                code = self._codes.setdefault((name, value), len(self._codes))
                self._facts[row, self._place[name]] = code

    def truth(self, captions: Sequence[Caption], rows: Rows) -> Truth:
        """Return `[captions, rows]`: 1 where the caption is true of the row's product."""
        facts = self._facts[rows]
        holds = np.ones((len(captions), len(rows)), dtype=bool)
        for line, caption in enumerate(captions):
            for name, value in caption.claims.items():
                holds[line] &= facts[:, self._place[name]] == self._codes[name, value]
        return holds.astype(np.float32)


class Sampler:
    """Draws portions; the same seed and step give the same ones."""

    def __init__(self, sets: dict[str, SetRows], drawings: DrawnSet, seed: int) -> None:
        self._seed = seed
        self.at(0)
        self._sets = sets
        self._fashion = fashion_products(sets[FASHION])
        self.fashion_codes = Codes(self._fashion)
        self._labels = {
            name: sorted({p.facts[name] for p in self._fashion if name in p.facts})
            for name, _ in self._anchor_weights
        }
        self._drawn = [
            Product(title, facts | {"title": title})
            for title, facts in zip(drawings.titles, drawings.facts, strict=True)
        ]
        self._drawn_codes = Codes(self._drawn)

    def at(self, step: int) -> None:
        """Go to a step, so that a resumed run draws the same as an uninterrupted one."""
        self._step = step
        self._rng = random.Random(f"{self._seed}/{step}")
        self._numbers = np.random.default_rng([self._seed, step])

    def _rows_of_step(self, rows: Rows, count: int) -> Rows:
        """Return the step's rows of an order that is shuffled anew after every epoch."""
        epoch, place = divmod(self._step, len(rows) // count)
        order = np.random.default_rng([self._seed, epoch, 1]).permutation(rows)
        return np.asarray(order[place * count : (place + 1) * count], dtype=np.int64)

    def fashion(self, count: int, titles: float = 0.7) -> Portion:
        """Draw products with their title (a share `titles` of them) or a composed phrase."""
        rows = self._rows_of_step(self._sets[FASHION].train, count)
        products = [self._fashion[row] for row in rows]
        captions = [
            Caption(p.title, {"title": p.title})
            if self._rng.random() < titles
            else compose(p, self._rng)
            for p in products
        ]
        anchors = [self._fashion_anchors(products, *pair) for pair in self._anchor_weights]
        return Portion(
            FASHION,
            rows,
            [caption.text for caption in captions],
            self.fashion_codes.truth(captions, rows),
            anchors,
            captions,
        )

    _anchor_weights = (
        ("type", 0.6),
        ("colour", 0.6),
        ("gender", 0.25),
        ("usage", 0.15),
        ("season", 0.1),
    )

    def _fashion_anchors(self, products: list[Product], fact: str, weight: float) -> Anchors:
        labels = self._labels[fact]
        words = _LABEL_WORDS[fact]
        texts = []
        for label in labels:
            # Half of the time the catalog's own name, as in taxonomies.
            own = self._rng.random() < 0.5
            text = label.lower() if own else self._rng.choice(words(label))
            texts.append(self._in_prompt(text))
        truth = np.array([labels.index(p.facts[fact]) if fact in p.facts else -1 for p in products])
        return Anchors(texts, truth, weight)

    def _in_prompt(self, text: str, share: float = 0.3) -> str:
        if self._rng.random() < share:
            return self._rng.choice(LABEL_TEMPLATES).format(text)
        return text

    def grocery(self, count: int) -> Portion:
        """Draw shopper photos with their product's name or a sentence of its description."""
        photos, products = self._sets[GROCERY_PHOTOS], self._sets[GROCERY_PRODUCTS]
        ids = products.columns["id"]
        rows = self._numbers.choice(photos.train, count, replace=False)
        truth = np.array([ids.index(photos.columns["product_id"][row]) for row in rows])
        texts = [self._grocery_text(int(product)) for product in truth]
        shared = (truth[:, None] == truth[None, :]).astype(np.float32)
        names = [self._in_prompt(grocery_name(i)) for i in ids]
        return Portion(GROCERY_PHOTOS, rows, texts, shared, [Anchors(names, truth, 1.0)])

    def _grocery_text(self, product: int) -> str:
        columns = self._sets[GROCERY_PRODUCTS].columns
        name = grocery_name(columns["id"][product])
        roll = self._rng.random()
        if roll < 0.4:
            return self._in_prompt(name)
        description: str = columns["description"][product]
        if roll < 0.5:
            return f"{name}: {description}"
        if roll < 0.7:
            return f"{name}, {columns['coarse'][product].replace('-', ' ')}"
        return description

    def clothing(self, count: int) -> Portion:
        """Draw photos of clothes with a phrase for their category."""
        photos = self._sets[CLOTHING]
        rows = self._numbers.choice(photos.train, count, replace=False)
        names = list(CLOTHING_NAMES)
        truth = np.array([names.index(photos.columns["category"][row]) for row in rows])
        texts = [self._clothing_text(names[label]) for label in truth]
        anchors = Anchors([self._clothing_text(name) for name in names], truth, 1.0)
        shared = (truth[:, None] == truth[None, :]).astype(np.float32)
        return Portion(CLOTHING, rows, texts, shared, [anchors])

    def _clothing_text(self, name: str) -> str:
        own = self._rng.random() < 0.4
        return self._in_prompt(name if own else self._rng.choice(CLOTHING_NAMES[name]))

    def drawings(self, count: int) -> Portion:
        """Draw drawn products with their title or a phrase, and phrases with colours swapped."""
        rows = self._numbers.choice(len(self._drawn), count, replace=False)
        products = [self._drawn[row] for row in rows]
        captions = [
            Caption(p.title, {"title": p.title})
            if self._rng.random() < 0.3
            else drawing_phrase(p.facts, self._rng)
            for p in products
        ]
        truth = self._drawn_codes.truth(captions, rows)
        swapped, swapped_truth = self._swapped(products)
        return Portion(
            TRAIN_DRAWINGS,
            rows,
            [caption.text for caption in captions] + swapped,
            np.concatenate([truth, swapped_truth]),
            [],
        )

    def _swapped(self, products: list[Product]) -> tuple[list[str], Truth]:
        """Return phrases with the two colours exchanged (hard negatives), true of no image."""
        texts = []
        for product in products:
            facts = product.facts
            if "second_colour" in facts:
                other = facts | {"colour": facts["second_colour"], "second_colour": facts["colour"]}
                texts.append(two_colour_phrase(other, self._rng))
        return texts, np.zeros((len(texts), len(products)), dtype=np.float32)
