"""A catalog of drawn products: their kinds, titles and fields, and the files on disk."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from search_api.demo.colours import COLOURS, colour_named, contrasting
from search_api.demo.kinds import KINDS, Kind, kind_named
from search_api.demo.patterns import PATTERNS, Pattern, pattern_named
from search_api.demo.sketch import Sketch

__all__ = ["COLUMNS", "DrawnProduct", "draw_catalog", "draw_product", "write_catalog"]

COLUMNS = ("id", "image", "title", "category", "colour", "pattern", "price", "second_colour")
# Plain products for one product of each pattern.
_PLAIN_SHARE = 5
# Words of a variant that precede the colour: a tall blue mug, but a blue V-neck jumper.
_SIZES = frozenset({"long", "round", "short", "slender", "slim", "square", "tall"})


@dataclass(frozen=True)
class DrawnProduct:
    """One product of the drawn catalog.

    Attributes:
        id: The kind and a number within it, e.g. `shirt-0007`.
        title: Title as in a shop; everything that it names is visible in the image.
        image: RGB, 320 x 320.
        fields: `title`, `category`, `colour`, `pattern`, `price`, and `second_colour` where the
            pattern has one.
    """

    id: str
    title: str
    image: Image.Image
    fields: dict[str, str | float | int]


def draw_product(
    kind: str, colour: str, pattern: str, second_colour: str | None, rng: random.Random
) -> Image.Image:
    """Draw one product; names as in `KINDS`, `COLOURS` and `PATTERNS`.

    Args:
        kind: What it is.
        colour: Colour of the product.
        pattern: Pattern on the product.
        second_colour: Colour of the pattern; None, for patterns other than `plain`, is a light
            shade of the first.
        rng: Chooses shades, proportions and details. The same state gives the same outline and
            details for any colours and pattern, and the same pixels for equal ones.

    Returns:
        RGB, 320 x 320.

    Raises:
        KeyError: A name is unknown.
    """
    return _draw(kind_named(kind), colour, pattern_named(pattern), second_colour, rng)[0]


def _draw(
    kind: Kind, colour: str, pattern: Pattern, second: str | None, rng: random.Random
) -> tuple[Image.Image, str]:
    """Draw a product; returns the image and the name of the variant."""
    ground = colour_named(colour).shade(rng)
    motifs = colour_named(second or colour).shade(rng)
    sketch = Sketch(ground, pattern, motifs if second else None, rng, stands=kind.stands)
    variant = kind.draw(sketch)
    return sketch.finish(), variant


def draw_catalog(count: int = 300, seed: int = 0) -> Iterator[DrawnProduct]:
    """Draw a catalog, one product at a time.

    All kinds are equally frequent (to within one product), and each kind goes through all colours.
    A smaller count gives the beginning of a larger catalog with the same seed.
    """
    for index in range(count):
        kind = kind_named(_dealt(KINDS, index, f"{seed}/kinds"))
        yield _product(kind, index // len(KINDS), seed)


def _dealt(deck: Sequence[str], number: int, key: str) -> str:
    """Return the card at a place in an endless sequence of shuffled decks."""
    cycle, place = divmod(number, len(deck))
    return _seeded(f"{key}/{cycle}").sample(deck, len(deck))[place]


def _seeded(key: str) -> random.Random:
    """Return a generator for one purpose; strings give the same seed on every machine (SHA-512)."""
    return random.Random(key)  # noqa: S311 (images, not secrets)


def _product(kind: Kind, number: int, seed: int) -> DrawnProduct:
    key = f"{seed}/{kind.slug}"
    rng = _seeded(f"{key}/{number}")
    colour = _dealt(COLOURS, number, f"{key}/colours")
    deck = (PATTERNS[0],) * _PLAIN_SHARE + PATTERNS[1:]
    name = _dealt(deck, number, f"{key}/patterns") if kind.patterned else PATTERNS[0]
    pattern = pattern_named(name)
    second = rng.choice(contrasting(colour)) if pattern.motifs else None
    image, variant = _draw(kind, colour, pattern, second, rng)
    title = _title(kind.name, variant, colour, pattern, second, rng)
    fields: dict[str, str | float | int] = {
        "title": title,
        "category": kind.category,
        "colour": colour,
        "pattern": pattern.name,
        "price": round(round(rng.triangular(*kind.prices)) - rng.choice((0.01, 0.05, 0.5)), 2),
    }
    if second:
        fields["second_colour"] = second
    return DrawnProduct(f"{kind.slug}-{number + 1:04d}", title, image, fields)


def _title(
    kind: str, variant: str, colour: str, pattern: Pattern, second: str | None, rng: random.Random
) -> str:
    """Write a title in one of the usual forms of shops."""
    words = variant.split()
    size = " ".join(word for word in words if word in _SIZES)
    noun = " ".join([*(word for word in words if word not in _SIZES), kind])
    shade = rng.choice(colour_named(colour).words)
    adjective = rng.choice(pattern.words)
    if second is None:
        forms = [
            f"{size} {shade} {noun}",
            f"{size} {shade} {noun}",
            f"{size} {noun} in {shade}",
            f"{size} plain {shade} {noun}",
        ]
    else:
        motifs = f"{rng.choice(colour_named(second).words)} {pattern.motifs}"
        forms = [
            f"{size} {shade} {noun} with {motifs}",
            f"{size} {shade} {noun} with {motifs}",
            f"{size} {shade} {adjective} {noun}",
            f"{size} {adjective} {noun} in {shade} and {second}",
        ]
    title = rng.choice(forms).strip()
    return title[0].upper() + title[1:]


def write_catalog(folder: Path, count: int = 300, seed: int = 0) -> Path:
    """Write a drawn catalog: `catalog.csv`, and `pictures/ID.jpg` (JPEG, quality 90) beside it.

    The file has the columns of `COLUMNS`, with image paths relative to it. It is written last, so
    that all images exist if it does. The same catalog gives the same files.

    Returns:
        The path of the CSV file.
    """
    pictures = folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    table, unfinished = folder / "catalog.csv", folder / "catalog.csv.part"
    table.unlink(missing_ok=True)
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        rows = csv.DictWriter(file, COLUMNS, restval="")
        rows.writeheader()
        for product in draw_catalog(count, seed):
            path = pictures / f"{product.id}.jpg"
            product.image.save(path, quality=90, subsampling=0)
            image = path.relative_to(folder).as_posix()
            rows.writerow({"id": product.id, "image": image} | product.fields)
    unfinished.replace(table)
    return table
