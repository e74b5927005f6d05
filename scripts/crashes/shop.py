"""A small made-up catalog that changes, and what an index of it must hold."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from indexer.colours import ColourArray, measured
from indexer.tagging.taxonomy import Group, Label, Taxonomy

__all__ = ["TAXONOMIES", "Colour", "Content", "Picture", "Product", "Shop", "write_catalog"]

Colour = tuple[int, int, int]

# `FakeEncoder` knows these words, wherever they stand; so labels tell which taxonomy gave them.
TAXONOMIES = {
    name: Taxonomy(
        name,
        1,
        (Group("hue", True, tuple(Label(f"{name} {hue}") for hue in ("red", "green", "blue"))),),
    )
    for name in ("first", "second")
}

_FIRST = 24
_SHADES = range(0, 256, 15)
# Directions of colours of which one replaces the other are at least so far apart, which is far more
# than float16 rounds.
_APART = 0.05


@dataclass(frozen=True)
class Picture:
    """One solid colour, in a file of the catalog's folder."""

    location: str
    colour: Colour

    @property
    def vector(self) -> np.ndarray:
        """What `FakeEncoder` makes of it, `[3]`: the colour, scaled to length 1."""
        colour = np.array(self.colour, np.float32)
        return colour / np.linalg.norm(colour)

    @property
    def measured(self) -> ColourArray:
        """Its colours, `[5, 4]`, of which it has one."""
        return measured(Image.new("RGB", (4, 4), self.colour))


@dataclass(frozen=True)
class Product:
    """A catalog row."""

    pictures: tuple[Picture, ...]
    title: str
    price: float


Content = Mapping[str, Product]


class Shop:
    """Makes up contents of a catalog, each by changing the one before.

    Args:
        rng: Where chance comes from.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._made = 0

    def first(self) -> Content:
        """A catalog to begin with."""
        content: dict[str, Product] = {}
        for _ in range(_FIRST):
            self._add(content)
        return content

    def changed(self, content: Content) -> Content:
        """Some products are gone, new, dearer, or have other pictures."""
        new = dict(self.fewer(content))
        for _ in range(self._rng.randint(1, 5)):
            self._add(new)
        return {**new, **self.some_changed(new)}

    def fewer(self, content: Content) -> Content:
        """A few products are gone, and that is all."""
        gone = self._rng.sample(sorted(content), min(len(content) // 3, self._rng.randint(1, 4)))
        return {name: product for name, product in content.items() if name not in gone}

    def some_changed(self, content: Content) -> Content:
        """A few of the products, with other prices or pictures than they had."""
        used = [picture.location for product in content.values() for picture in product.pictures]
        some: dict[str, Product] = {}
        for name in self._rng.sample(sorted(content), min(len(content), self._rng.randint(2, 6))):
            product = content[name]
            shared = any(used.count(picture.location) > 1 for picture in product.pictures)
            if shared or self._rng.random() < 0.4:
                some[name] = replace(product, price=product.price + 1)
            else:
                swapped = (self._other(picture) for picture in product.pictures)
                some[name] = replace(product, pictures=tuple(swapped))
        return some

    def _add(self, content: dict[str, Product]) -> None:
        self._made += 1
        number = self._made
        name = f"p{number}"
        pictures = tuple(
            Picture(f"{name}-{place}.png", self._colour())
            for place in range(self._rng.choice((1, 1, 1, 2)))
        )
        if content and self._rng.random() < 0.2:
            # The very picture of another product, or a copy of it.
            others = content[self._rng.choice(sorted(content))].pictures
            pictures = others if self._rng.random() < 0.5 else (_copy(others[0], name),)
        # Never a whole number, so that the column's type stays.
        content[name] = Product(pictures, f"Thing {number}", self._rng.randint(1, 99) + 0.25)

    def _colour(self) -> Colour:
        red, green, blue = (self._rng.choice(_SHADES) for _ in range(3))
        return (red, green, blue) if red + green + blue else self._colour()

    def _other(self, picture: Picture) -> Picture:
        other = replace(picture, colour=self._colour())
        far = np.linalg.norm(other.vector - picture.vector) > _APART
        return other if far else self._other(picture)


def write_catalog(folder: Path, content: Content) -> Path:
    """Write the pictures and the CSV file of a catalog; returns the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "catalog.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "title", "price"])
        for name, product in content.items():
            for picture in product.pictures:
                Image.new("RGB", (4, 4), picture.colour).save(folder / picture.location)
            locations = json.dumps([picture.location for picture in product.pictures])
            writer.writerow([name, locations, product.title, product.price])
    return path


def _copy(picture: Picture, name: str) -> Picture:
    return replace(picture, location=f"{name}-copy.png")
