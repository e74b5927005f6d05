"""Negatives: phrases and drawn images without a product, to which no label is given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

__all__ = ["GENERIC_PHRASES", "NO_PRODUCT_PHRASES", "draw_negatives"]

NO_PRODUCT_PHRASES: tuple[str, ...] = (
    "a blank image",
    "an empty white picture",
    "a plain single-coloured surface",
    "random noise",
    "television static",
    "a colour gradient",
    "a checkerboard",
    "a test pattern of stripes",
    "a bar chart",
    "a line chart",
    "a pie chart",
    "a diagram",
    "a page of text",
    "a screenshot of a website",
    "a spreadsheet",
    "a blurred photo of nothing",
)
"""Competitors of the labels of an exclusive group: an image without a product fits one of these."""

GENERIC_PHRASES: tuple[str, ...] = (
    "a photo",
    "a picture",
    "an image",
    "a product photo",
    "a photo of a product",
)
"""Phrases that independent labels are compared with where no background images are known."""

# Side of the drawn images, the right end of their lines of text, in pixels.
_SIDE = 192
_LINE_END = 160
# Shares of the images in which a choice is made: white paper, one of two variants, a further word.
_WHITE = 0.7
_HALF = 0.5
_NEXT_WORD = 0.96

Colour = tuple[int, int, int]


def draw_negatives(seed: int, count: int) -> list[Image.Image]:
    """Draw images without a product: blanks, noise, gradients, patterns, charts and text.

    They are RGB, 192 pixels square. The kinds follow each other in turn. The same seed and count
    give the same images.
    """
    rng = np.random.default_rng(seed)
    return [_KINDS[number % len(_KINDS)](rng) for number in range(count)]


def _colour(rng: np.random.Generator) -> Colour:
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return red, green, blue


def _page(rng: np.random.Generator) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    paper = "white" if rng.random() < _WHITE else tuple(rng.integers(200, 256, 3).tolist())
    image = Image.new("RGB", (_SIDE, _SIDE), paper)
    return image, ImageDraw.Draw(image)


def _image_of(pixels: NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels.clip(0, 255).astype(np.uint8)))


def _blank(rng: np.random.Generator) -> Image.Image:
    grey = int(rng.integers(0, 256))
    return Image.new("RGB", (_SIDE, _SIDE), _colour(rng) if rng.random() < _HALF else (grey,) * 3)


def _noise(rng: np.random.Generator) -> Image.Image:
    cell = int(rng.choice([1, 1, 2, 3, 6, 12, 24]))
    channels = int(rng.choice([1, 3]))
    cells = rng.normal(rng.uniform(60, 200), rng.uniform(15, 90), (_SIDE, _SIDE, channels))
    cells = cells[: _SIDE // cell, : _SIDE // cell]
    return _image_of(np.repeat(np.repeat(cells, cell, 0), cell, 1) * np.ones(3))


def _gradient(rng: np.random.Generator) -> Image.Image:
    y, x = np.mgrid[0:_SIDE, 0:_SIDE] / _SIDE
    if rng.random() < _HALF:
        angle = rng.uniform(0, 2 * np.pi)
        share = (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle) + 0.5
    else:
        share = np.hypot(x - rng.uniform(), y - rng.uniform())
    first, second = np.array(_colour(rng)), np.array(_colour(rng))
    return _image_of(first + share.clip(0, 1)[..., np.newaxis] * (second - first))


def _waves(rng: np.random.Generator) -> Image.Image:
    y, x = np.mgrid[0:_SIDE, 0:_SIDE] / _SIDE
    angle, count = rng.uniform(0, np.pi), rng.uniform(2, 40)
    wave = np.sin(2 * np.pi * count * (x * np.cos(angle) + y * np.sin(angle)))
    if rng.random() < _HALF:
        wave = np.sign(wave)
    first, second = np.array(_colour(rng)), np.array(_colour(rng))
    return _image_of((first + second + wave[..., np.newaxis] * (second - first)) / 2)


def _checks(rng: np.random.Generator) -> Image.Image:
    cell = int(rng.integers(4, 48))
    even = (np.indices((_SIDE, _SIDE)) // cell).sum(axis=0) % 2 == 0
    return _image_of(np.where(even[..., np.newaxis], _colour(rng), _colour(rng)))


def _bars(rng: np.random.Generator) -> Image.Image:
    image, draw = _page(rng)
    draw.line([(16, 10), (16, 178), (184, 178)], fill="black", width=2)
    count = int(rng.integers(3, 12))
    width = 160 / count
    one = _colour(rng)
    for number, height in enumerate(rng.integers(8, 160, count).tolist()):
        left = 20 + number * width
        colour = one if count % 2 else _colour(rng)
        draw.rectangle([left, 177 - height, left + 0.7 * width, 177], fill=colour)
    return image


def _curves(rng: np.random.Generator) -> Image.Image:
    image, draw = _page(rng)
    for at in range(20, 180, 32):
        draw.line([(16, at), (184, at)], fill="lightgrey")
    draw.line([(16, 10), (16, 178), (184, 178)], fill="black", width=2)
    for _ in range(int(rng.integers(1, 4))):
        heights = (90 + np.cumsum(rng.normal(0, 9, 24))).clip(14, 174).tolist()
        points = [(18 + 7 * number, height) for number, height in enumerate(heights)]
        draw.line(points, fill=_colour(rng), width=int(rng.integers(1, 4)))
    return image


def _pie(rng: np.random.Generator) -> Image.Image:
    image, draw = _page(rng)
    ends = np.sort(rng.integers(20, 340, int(rng.integers(2, 6)))).tolist()
    for start, end in zip([0, *ends], [*ends, 360], strict=True):
        draw.pieslice([26, 26, 166, 166], start, end, fill=_colour(rng))
    return image


def _dots(rng: np.random.Generator) -> Image.Image:
    image, draw = _page(rng)
    draw.line([(16, 10), (16, 178), (184, 178)], fill="black", width=1)
    colour = _colour(rng)
    for x, y in rng.integers(20, 174, (int(rng.integers(20, 120)), 2)).tolist():
        draw.ellipse([x, y, x + 4, y + 4], fill=colour)
    return image


def _text(rng: np.random.Generator) -> Image.Image:
    image, draw = _page(rng)
    high = int(rng.integers(3, 8))
    for row in range(12, 180, high + int(rng.integers(4, 9))):
        left = 12
        while left < _LINE_END and rng.random() < _NEXT_WORD:
            width = int(rng.integers(4, 30))
            draw.rectangle([left, row, left + width, row + high], fill=(30, 30, 30))
            left += width + 5
    return image


def _words(rng: np.random.Generator) -> Image.Image:
    image, draw = _page(rng)
    for row in range(8, 184, 13):
        letters = rng.integers(97, 123, (6, 5))
        line = " ".join("".join(map(chr, word)) for word in letters.tolist())
        draw.text((10, row), line, fill="black")
    return image


def _table(rng: np.random.Generator) -> Image.Image:
    image, draw = _page(rng)
    across, down = int(rng.integers(24, 60)), int(rng.integers(12, 28))
    for x in range(8, 186, across):
        draw.line([(x, 8), (x, 184)], fill="grey")
    for y in range(8, 186, down):
        draw.line([(8, y), (184, y)], fill="grey")
        for x in range(12, 170, across):
            draw.text((x, y + 1), str(int(rng.integers(0, 999))), fill="black")
    return image


_KINDS: tuple[Callable[[np.random.Generator], Image.Image], ...] = (
    _blank,
    _noise,
    _gradient,
    _waves,
    _checks,
    _bars,
    _curves,
    _pie,
    _dots,
    _text,
    _words,
    _table,
)
