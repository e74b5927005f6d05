"""Small random catalogs that change, and what an index of them must hold."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from indexer.colours import ColourArray, measure_image
from indexer.tagging.taxonomy import Group, Label, Taxonomy

__all__ = [
    "TAXONOMIES",
    "CatalogMaker",
    "Colour",
    "Content",
    "Product",
    "SolidImage",
    "write_catalog",
]

Colour = tuple[int, int, int]

# `FakeEncoder` knows the colour words, so that labels tell which taxonomy gave them.
TAXONOMIES = {
    name: Taxonomy(
        name,
        1,
        (
            Group(
                "hue",
                exclusive=True,
                labels=tuple(Label(f"{name} {hue}") for hue in ("red", "green", "blue")),
            ),
        ),
    )
    for name in ("first", "second")
}

_FIRST = 24
_SHADES = range(0, 256, 15)
# Least distance of the vectors of a colour and its replacement: far more than float16 rounds.
_APART = 0.05


@dataclass(frozen=True)
class SolidImage:
    """An image of one colour, in a file of the catalog's folder."""

    location: str
    colour: Colour

    @property
    def vector(self) -> np.ndarray:
        """Its vector by `FakeEncoder`, `[3]`: the colour, scaled to length 1."""
        colour = np.array(self.colour, np.float32)
        return colour / np.linalg.norm(colour)

    @property
    def measured(self) -> ColourArray:
        """Its measured colours, `[5, 4]`, of which it has one."""
        return measure_image(Image.new("RGB", (4, 4), self.colour))


@dataclass(frozen=True)
class Product:
    """A catalog row."""

    images: tuple[SolidImage, ...]
    title: str
    price: float


Content = Mapping[str, Product]


class CatalogMaker:
    """Makes contents of a catalog, each by changing the one before.

    Args:
        rng: The source of chance.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._made = 0

    def first(self) -> Content:
        """Return a catalog to begin with."""
        content: dict[str, Product] = {}
        for _ in range(_FIRST):
            self._add(content)
        return content

    def changed(self, content: Content) -> Content:
        """Return a catalog with products removed, added and changed."""
        new = dict(self.fewer(content))
        for _ in range(self._rng.randint(1, 5)):
            self._add(new)
        return {**new, **self.some_changed(new)}

    def fewer(self, content: Content) -> Content:
        """Return a catalog with a few products removed."""
        gone = self._rng.sample(sorted(content), min(len(content) // 3, self._rng.randint(1, 4)))
        return {name: product for name, product in content.items() if name not in gone}

    def some_changed(self, content: Content) -> Content:
        """Return a few of the products, with other prices or images."""
        used = [image.location for product in content.values() for image in product.images]
        some: dict[str, Product] = {}
        for name in self._rng.sample(sorted(content), min(len(content), self._rng.randint(2, 6))):
            product = content[name]
            shared = any(used.count(image.location) > 1 for image in product.images)
            if shared or self._rng.random() < 0.4:
                some[name] = replace(product, price=product.price + 1)
            else:
                swapped = (self._other(image) for image in product.images)
                some[name] = replace(product, images=tuple(swapped))
        return some

    def _add(self, content: dict[str, Product]) -> None:
        self._made += 1
        number = self._made
        name = f"p{number}"
        images = tuple(
            SolidImage(f"{name}-{place}.png", self._colour())
            for place in range(self._rng.choice((1, 1, 1, 2)))
        )
        if content and self._rng.random() < 0.2:
            # The same file as another product, or a copy of it.
            others = content[self._rng.choice(sorted(content))].images
            images = others if self._rng.random() < 0.5 else (_copy(others[0], name),)
        # Never a whole number, so that the column's type stays.
        content[name] = Product(images, f"Thing {number}", self._rng.randint(1, 99) + 0.25)

    def _colour(self) -> Colour:
        red, green, blue = (self._rng.choice(_SHADES) for _ in range(3))
        return (red, green, blue) if red + green + blue else self._colour()

    def _other(self, image: SolidImage) -> SolidImage:
        other = replace(image, colour=self._colour())
        far = np.linalg.norm(other.vector - image.vector) > _APART
        return other if far else self._other(image)


def write_catalog(folder: Path, content: Content) -> Path:
    """Write the images and the CSV file of a catalog; return the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "catalog.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "title", "price"])
        for name, product in content.items():
            for image in product.images:
                Image.new("RGB", (4, 4), image.colour).save(folder / image.location)
            locations = json.dumps([image.location for image in product.images])
            writer.writerow([name, locations, product.title, product.price])
    return path


def _copy(image: SolidImage, name: str) -> SolidImage:
    return replace(image, location=f"{name}-copy.png")
