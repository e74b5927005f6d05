"""The colours of drawn products: names with ranges of shades, blending and contrast."""

from __future__ import annotations

import random
from dataclasses import dataclass

__all__ = [
    "COLOURS",
    "DARK",
    "GOLD",
    "PAPER",
    "RGB",
    "RUBBER",
    "SOLE",
    "STEEL",
    "WOOD",
    "Colour",
    "colour_named",
    "contrasting",
    "distance",
    "mix",
    "tone",
]

RGB = tuple[int, int, int]

_SHADOW: RGB = (22, 20, 38)
_WHITE: RGB = (255, 255, 255)

# Colours of parts that do not have the product's colour.
DARK: RGB = (62, 62, 70)
GOLD: RGB = (222, 184, 92)
PAPER: RGB = (248, 243, 230)
RUBBER: RGB = (246, 246, 244)
SOLE: RGB = (74, 58, 50)
STEEL: RGB = (198, 202, 209)
WOOD: RGB = (184, 132, 84)


@dataclass(frozen=True)
class Colour:
    """A colour name and its range of shades.

    Attributes:
        name: The name in queries and fields, e.g. `navy`.
        first: One end of the range, sRGB 0 to 255.
        last: The other end.
        words: Its names in titles.
    """

    name: str
    first: RGB
    last: RGB
    words: tuple[str, ...]

    def shade(self, rng: random.Random) -> RGB:
        """Draw one shade from the range."""
        return mix(self.first, self.last, rng.random())

    @property
    def middle(self) -> RGB:
        """The shade in the middle of the range."""
        return mix(self.first, self.last, 0.5)


_TABLE = (
    Colour("red", (222, 38, 44), (188, 22, 40), ("red", "bright red")),
    Colour("orange", (246, 130, 32), (234, 108, 22), ("orange",)),
    Colour("yellow", (252, 216, 60), (244, 196, 32), ("yellow", "sunny yellow")),
    Colour("green", (70, 164, 82), (38, 126, 66), ("green",)),
    Colour("teal", (28, 154, 152), (16, 124, 128), ("teal",)),
    Colour("blue", (58, 132, 226), (36, 100, 204), ("blue",)),
    Colour("navy", (34, 48, 96), (24, 36, 80), ("navy", "navy blue")),
    Colour("purple", (136, 82, 184), (108, 56, 158), ("purple",)),
    Colour("pink", (246, 150, 184), (236, 116, 162), ("pink",)),
    Colour("brown", (134, 86, 54), (104, 64, 40), ("brown",)),
    Colour("beige", (226, 204, 168), (214, 188, 148), ("beige",)),
    Colour("black", (44, 44, 48), (28, 28, 32), ("black",)),
    Colour("grey", (150, 154, 160), (126, 130, 136), ("grey",)),
    Colour("white", (252, 252, 252), (244, 245, 246), ("white",)),
)
_BY_NAME = {colour.name: colour for colour in _TABLE}

COLOURS: tuple[str, ...] = tuple(_BY_NAME)


def colour_named(name: str) -> Colour:
    """Look up a colour; raises `KeyError` for an unknown name."""
    return _BY_NAME[name]


def mix(first: RGB, second: RGB, share: float) -> RGB:
    """Blend two colours; `share` 0 gives the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def tone(colour: RGB, amount: float) -> RGB:
    """Darken (`amount` below 0, down to -1) or lighten (above 0, up to 1) a colour."""
    return mix(colour, _WHITE if amount > 0 else _SHADOW, abs(amount))


def distance(first: RGB, second: RGB) -> float:
    """Compute the difference of two colours, 0 to about 765.

    The weighted RGB distance of https://www.compuphase.com/cmetric.htm, similar to CIE L*u*v*.
    """
    red = (first[0] + second[0]) / 2
    parts = [(a - b) ** 2 for a, b in zip(first, second, strict=True)]
    weights = (2 + red / 256, 4.0, 2 + (255 - red) / 256)
    return float(sum(w * p for w, p in zip(weights, parts, strict=True)) ** 0.5)


# Smallest distance of a pattern's colour from its ground; below it, e.g. for black on navy, the
# pattern is hard to see.
_VISIBLE = 230.0


def contrasting(name: str) -> tuple[str, ...]:
    """Return the names of the colours that are visible on the named one."""
    ground = _BY_NAME[name].middle
    return tuple(c.name for c in _TABLE if distance(ground, c.middle) > _VISIBLE)
