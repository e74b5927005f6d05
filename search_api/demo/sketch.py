"""A sketch of one product: lines, patterned and shaded shapes, and a soft shadow."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeVar

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from search_api.demo.colours import RGB, tone
from search_api.demo.patterns import Motif, Pattern
from search_api.demo.shapes import Point, bounds, oval, turned

__all__ = ["SIZE", "Shading", "Sketch"]

SIZE = 320
# Drawn this many times larger and scaled down, since Pillow's polygons are not antialiased.
_OVERSAMPLING = 3
_SIDE = SIZE * _OVERSAMPLING
_UNIT = _SIDE / 100

# The longest side of a product, as a share of the image's.
_EXTENT = (0.74, 0.86)
_BACKDROPS: tuple[RGB, ...] = (
    (255, 255, 255),
    (250, 249, 247),
    (247, 249, 251),
    (245, 245, 246),
    (250, 247, 243),
    (246, 249, 246),
)
_LIGHT: RGB = (255, 255, 255)
_SHADOW: RGB = (38, 36, 58)

# Edges: darker than the colour, or lighter for colours whose channels sum to less than this.
_DARK_SUM = 230
_DARKER, _LIGHTER = -0.38, 0.28

Shading = Literal["flat", "round", "ball"]
_T = TypeVar("_T")


def _across(strength: Callable[[float], float]) -> Image.Image:
    """Return a strip whose values, 0 to 255, are a function of x, from 0 (left) to 1 (right)."""
    strip = bytes(max(0, min(255, round(strength(step / 63)))) for step in range(64))
    return Image.frombytes("L", (64, 1), strip)


def _around(strength: Callable[[float], float]) -> Image.Image:
    """Return a square whose values are a function of the distance from the light, in half sides."""
    # Pillow's gradient increases by 2 per pixel; the crop moves its centre up and left.
    gradient = Image.radial_gradient("L").crop((62, 66, 62 + 170, 66 + 170))
    return gradient.point([max(0, min(255, round(strength(v / 170)))) for v in range(256)])


# Shadow and light on a shape, 0 to 255; the light comes from the upper left.
_SHADINGS: dict[Shading, tuple[Image.Image, Image.Image]] = {
    "flat": (
        _across(lambda x: 62 * max(0.0, (x - 0.4) / 0.6) ** 1.4),
        _across(lambda x: 46 * max(0.0, (0.45 - x) / 0.45)),
    ),
    "round": (
        _across(lambda x: 105 * abs((x - 0.4) / 0.6) ** 2.2),
        _across(lambda x: 105 * math.exp(-(((x - 0.26) / 0.1) ** 2))),
    ),
    "ball": (
        _around(lambda r: 125 * (r / 1.4) ** 2.4),
        _around(lambda r: 170 * math.exp(-((r / 0.34) ** 2))),
    ),
}


class Sketch:
    """The drawing of one product.

    Shapes have units of a hundredth of the paper's side, around (50, 50). All are turned and
    mirrored alike, at random; in the end the product is centred and scaled to the image.

    Attributes:
        colour: The shade of the product.
        ink: Colour of seams and edges: darker than the product, or lighter if that is dark.
        rng: Source of all random choices.
    """

    def __init__(
        self,
        colour: RGB,
        pattern: Pattern,
        second: RGB | None,
        rng: random.Random,
        *,
        stands: bool = False,
    ) -> None:
        self.colour = colour
        self.ink = _edge(colour)
        self.rng = rng
        self._pattern = pattern
        self._second = second or tone(colour, 0.5)
        self._pitch = pattern.size(rng)
        # One random number, unlike `choice`, so that the shape is the same for all patterns.
        self._turn = pattern.turns[int(rng.random() * len(pattern.turns))]
        self._stands = stands
        angle = math.radians(rng.gauss(0, 0.3 if stands else 3.0))
        self._cos, self._sin = math.cos(angle) * _UNIT, math.sin(angle) * _UNIT
        self._flip = rng.choice((-1, 1))
        self._layer = Image.new("RGBA", (_SIDE, _SIDE))
        self._pen = ImageDraw.Draw(self._layer)

    def vary(self, low: float, high: float) -> float:
        """Choose a number between two."""
        return self.rng.uniform(low, high)

    def pick(self, *options: _T) -> _T:
        """Choose one of several options."""
        return self.rng.choice(options)

    def chance(self, share: float) -> bool:
        """Return true with a probability of `share`, 0 to 1."""
        return self.rng.random() < share

    def shade(self, amount: float) -> RGB:
        """Return the product's colour, darker (below 0) or lighter (above 0)."""
        return tone(self.colour, amount)

    def fill(
        self, points: Sequence[Point], colour: RGB, edge: RGB | None = None, width: float = 0.6
    ) -> None:
        """Fill a closed shape with one colour, and draw its edge if a colour is given for it."""
        self._pen.polygon(self._place(points), fill=(*colour, 255))
        if edge is not None:
            self.line([*points, *points[:2]], edge, width)

    def line(self, points: Sequence[Point], colour: RGB, width: float = 0.6) -> None:
        """Draw a line with round ends."""
        placed = self._place(points)
        self._pen.line(placed, fill=(*colour, 255), width=round(width * _UNIT), joint="curve")
        reach = width * _UNIT / 2 - 0.5
        for x, y in (placed[0], placed[-1]):
            self._pen.ellipse((x - reach, y - reach, x + reach, y + reach), (*colour, 255))

    def tube(self, points: Sequence[Point], width: float, colour: RGB | None = None) -> None:
        """Draw a thick line with an edge: a handle, a strap, a leg."""
        inner = colour or self.shade(-0.15)
        self.line(points, self.ink if colour is None else _edge(colour), width + 1.4)
        self.line(points, inner, width)

    def body(
        self,
        points: Sequence[Point],
        *,
        turn: float = 0.0,
        shading: Shading = "flat",
    ) -> None:
        """Fill a closed shape with the product's colour and pattern, shade it and draw its edge.

        Args:
            points: The outline.
            turn: Degrees by which the pattern is turned, clockwise.
            shading: How light falls on it: a `flat` thing, a `round` one (a cylinder), a `ball`.
        """
        self._paint(points, self.colour, shading, self._motifs(points, turn + self._turn))

    def trim(
        self, points: Sequence[Point], colour: RGB | None = None, *, shading: Shading = "flat"
    ) -> None:
        """Draw a shape without pattern, in the product's colour or another one."""
        self._paint(points, colour or self.colour, shading, ())

    def finish(self) -> Image.Image:
        """Return the image: the product on a light backdrop, with its shadow."""
        left, top, right, bottom = self._layer.getbbox() or (0, 0, _SIDE, _SIDE)
        scale = self.vary(*_EXTENT) * SIZE / max(right - left, bottom - top)
        size = round((right - left) * scale), round((bottom - top) * scale)
        product = self._layer.crop((left, top, right, bottom))
        product = product.resize(size, Image.Resampling.HAMMING)
        outline = product.getchannel("A")
        x = round((SIZE - size[0]) / 2 + self.rng.gauss(0, 3))
        y = round((SIZE - size[1]) / 2 + self.rng.gauss(0, 3))
        image = Image.new("RGB", (SIZE, SIZE), self.pick(*_BACKDROPS))
        image.paste(_SHADOW, (0, 0), self._cast(outline, x, y))
        image.paste(product, (x, y), outline)
        return image

    def _cast(self, outline: Image.Image, x: int, y: int) -> Image.Image:
        """Return the shadow's opacity: on the wall behind a product, or on the floor below it."""
        shadow = Image.new("L", (SIZE, SIZE))
        if not self._stands:
            shadow.paste(outline.point(lambda cover: cover // 4), (x + 3, y + 6))
            return shadow.filter(ImageFilter.GaussianBlur(6))
        floor = outline.height - 2
        feet = outline.crop((0, round(floor * 0.93), outline.width, floor)).getbbox()
        left, _, right, _ = feet or (0, 0, outline.width, 0)
        half = (right - left) / 2
        pool = oval(x + left + half, y + floor, half * 1.06 + 3, 4 + half * 0.05)
        ImageDraw.Draw(shadow).polygon(pool, fill=110)
        return shadow.filter(ImageFilter.GaussianBlur(5))

    def _paint(
        self, points: Sequence[Point], ground: RGB, shading: Shading, motifs: Iterable[Motif]
    ) -> None:
        placed = self._place(points)
        left, top, right, bottom = (round(edge) for edge in bounds(placed))
        corner, size = (left, top), (right - left + 1, bottom - top + 1)
        mask = _stencil([(placed, 255)], corner, size)
        pattern = _stencil(((self._place(shape), cover) for shape, cover in motifs), corner, size)
        dark, light = (cover.resize(size) for cover in _SHADINGS[shading])
        self._layer.paste((*ground, 255), corner, mask)
        for colour, cover in ((self._second, pattern), (_SHADOW, dark), (_LIGHT, light)):
            self._layer.paste((*colour, 255), corner, ImageChops.multiply(mask, cover))
        self.line([*points, *points[:2]], _edge(ground), 0.75)

    def _place(self, points: Sequence[Point]) -> list[Point]:
        cos, sin, flip, middle = self._cos, self._sin, self._flip, _SIDE / 2
        return [
            (
                middle + (x - 50) * flip * cos - (y - 50) * sin,
                middle + (x - 50) * flip * sin + (y - 50) * cos,
            )
            for x, y in points
        ]

    def _motifs(self, points: Sequence[Point], turn: float) -> Iterable[Motif]:
        left, top, right, bottom = bounds(points)
        centre = ((left + right) / 2, (top + bottom) / 2)
        area = bounds(turned(points, -turn, centre))
        for shape, cover in self._pattern.draw(area, self._pitch):
            yield turned(shape, turn, centre), cover


def _edge(colour: RGB) -> RGB:
    return tone(colour, _DARKER if sum(colour) > _DARK_SUM else _LIGHTER)


def _stencil(
    shapes: Iterable[Motif], corner: tuple[int, int], size: tuple[int, int]
) -> Image.Image:
    """Return a mask of shapes, each with its opacity; `corner` is the mask's place on the paper."""
    mask = Image.new("L", size)
    pen = ImageDraw.Draw(mask)
    left, top = corner
    for points, cover in shapes:
        pen.polygon([(x - left, y - top) for x, y in points], fill=cover)
    return mask
