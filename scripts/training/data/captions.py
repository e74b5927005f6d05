"""Captions: texts for images, and which images each text is true of."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

from scripts.training.data.vocabulary import (
    COLOUR_NAMES,
    GENDER_FORMS,
    LABEL_TEMPLATES,
    PATTERN_WORDS,
    TYPE_NAMES,
    USAGE_NAMES,
    singular,
)

__all__ = [
    "Caption",
    "Product",
    "colour_words",
    "compose",
    "drawing_phrase",
    "grocery_name",
    "looks",
    "two_colour_phrase",
    "type_words",
]


@dataclass(frozen=True)
class Product:
    """Facts about one image, as words.

    Attributes:
        title: Its own title.
        facts: Attribute name to value, e.g. `{"type": "Dresses", "colour": "Red"}`.
    """

    title: str
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Caption:
    """A text, and the facts that make it true of an image.

    Attributes:
        text: The words.
        claims: Attribute name to value; an image with all of them is a positive.
    """

    text: str
    claims: dict[str, str]

    def holds(self, product: Product) -> bool:
        """Return whether the text is true of a product."""
        return all(product.facts.get(name) == value for name, value in self.claims.items())


def type_words(name: str) -> tuple[str, ...]:
    """Return the words for an article type."""
    plain = name.lower()
    if name in TYPE_NAMES:
        return (*TYPE_NAMES[name], plain)
    return (plain, singular(plain))


def colour_words(name: str) -> tuple[str, ...]:
    """Return the words for a base colour."""
    return COLOUR_NAMES.get(name, (name.lower(),))


def looks(title: str) -> str:
    """Return the first word of a title that names a pattern or material, or an empty text."""
    words = re.findall(r"[a-z]+", title.lower())
    return next((word for word in words if word in PATTERN_WORDS), "")


def grocery_name(product_id: str) -> str:
    """Return a product id as people write it: `Granny Smith` for `Granny-Smith`."""
    return product_id.replace("-", " ")


# The attributes that a phrase names, with weights. Shoppers mostly type a colour and a thing.
_SHAPES: tuple[tuple[tuple[str, ...], int], ...] = (
    (("type",), 3),
    (("colour", "type"), 5),
    (("gender", "type"), 2),
    (("gender", "colour", "type"), 6),
    (("looks", "colour", "type"), 3),
    (("gender", "looks", "colour", "type"), 3),
    (("usage", "type"), 1),
    (("usage", "colour", "type"), 1),
    (("season", "colour", "type"), 1),
    (("colour",), 2),
    (("gender",), 1),
)


def compose(product: Product, rng: random.Random) -> Caption:
    """Compose a phrase of some of a fashion product's attributes, in one of many word orders."""
    shapes, weights = zip(*_SHAPES, strict=True)
    (shape,) = rng.choices(shapes, weights)
    claims = {name: product.facts[name] for name in shape if product.facts.get(name)}
    if not claims:
        claims = {"type": product.facts["type"]}
    return Caption(_phrase(claims, rng), claims)


def _phrase(claims: dict[str, str], rng: random.Random) -> str:
    noun = rng.choice(type_words(claims["type"])) if "type" in claims else ""
    adjectives = []
    after = []
    if "usage" in claims:
        adjectives.append(rng.choice(USAGE_NAMES.get(claims["usage"], (claims["usage"].lower(),))))
    if "looks" in claims:
        adjectives.append(claims["looks"])
    if "colour" in claims:
        word = rng.choice(colour_words(claims["colour"]))
        if noun and rng.random() < 0.2:
            after.append(f"in {word}")
        else:
            adjectives.append(word)
    rng.shuffle(adjectives)
    if "gender" in claims:
        before, behind = rng.choice(GENDER_FORMS[claims["gender"]])
        if rng.random() < 0.35:
            after.append(f"for {behind}")
        else:
            adjectives.insert(rng.choice((0, len(adjectives))), before)
    if "season" in claims:
        after.append(f"for {claims['season'].lower()}")
    rng.shuffle(after)
    text = " ".join([*adjectives, noun or ("item" if rng.random() < 0.5 else ""), *after]).strip()
    if rng.random() < 0.2:
        text = rng.choice(LABEL_TEMPLATES).format(text)
    return text


def two_colour_phrase(facts: dict[str, str], rng: random.Random) -> str:
    """Return a phrase that says which colour is the ground's and which the pattern's."""
    kind, colour, motifs = facts["kind"], facts["colour"], facts["motifs"]
    second = facts["second_colour"]
    return rng.choice(
        (
            f"{colour} {kind} with {second} {motifs}",
            f"{kind} in {colour} with {second} {motifs}",
            f"{second} {motifs} on a {colour} {kind}",
            f"a {colour} {kind} that has {second} {motifs}",
            f"{kind}, {colour}, {second} {motifs}",
        )
    )


def drawing_phrase(facts: dict[str, str], rng: random.Random) -> Caption:
    """Return a phrase for a drawn product; many phrases for two colours name both."""
    kind, colour, pattern = facts["kind"], facts["colour"], facts["pattern"]
    claims = {"kind": kind, "colour": colour}
    text = f"{colour} {kind}"
    roll = rng.random()
    if "second_colour" in facts and roll < 0.7:
        claims |= {"pattern": pattern, "second_colour": facts["second_colour"]}
        text = two_colour_phrase(facts, rng)
    elif roll < 0.8:
        claims |= {"pattern": pattern}
        text = rng.choice((f"{colour} {pattern} {kind}", f"{pattern} {colour} {kind}"))
    elif roll > 0.9:
        claims = {"kind": kind}
        text = kind
    if rng.random() < 0.2:
        text = rng.choice(LABEL_TEMPLATES).format(text)
    return Caption(text, claims)
