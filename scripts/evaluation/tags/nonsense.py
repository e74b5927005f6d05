"""Images of nothing to measure tags with, drawn by other code than those of the fit."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from scripts.evaluation.search.calibration import background

__all__ = ["nonsense_images"]

_SIZE = 240
_EACH = 12


def nonsense_images() -> list[Image.Image]:
    """Draw noise, blanks, gradients, charts, pages and tiles; always the same."""
    rng = np.random.default_rng(77)
    made = background.images()
    for _ in range(_EACH):
        made += [_blank(rng), _grain(rng), _clouds(rng), _corners(rng), _columns(rng)]
        made += [_area(rng), _letter(rng), _tiles(rng), _ring(rng)]
    return made


def _paint(rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(int(part) for part in rng.integers(0, 256, 3))


def _blank(rng: np.random.Generator) -> Image.Image:
    return Image.new("RGB", (_SIZE, int(rng.integers(100, 300))), _paint(rng))


def _grain(rng: np.random.Generator) -> Image.Image:
    pixels = rng.integers(0, int(rng.integers(120, 256)), (_SIZE, _SIZE, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    return image.convert("L").convert("RGB") if rng.random() < 0.5 else image


def _clouds(rng: np.random.Generator) -> Image.Image:
    small = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    return small.resize((_SIZE, _SIZE), Image.Resampling.BICUBIC).filter(
        ImageFilter.GaussianBlur(6)
    )


def _corners(rng: np.random.Generator) -> Image.Image:
    four = np.array([[_paint(rng), _paint(rng)], [_paint(rng), _paint(rng)]], np.uint8)
    return Image.fromarray(four).resize((_SIZE, _SIZE), Image.Resampling.BILINEAR)


def _columns(rng: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", (_SIZE, _SIZE), "white")
    draw = ImageDraw.Draw(image)
    colours = [_paint(rng) for _ in range(3)]
    for group in range(4):
        for number, colour in enumerate(colours):
            left = 24 + group * 54 + number * 13
            draw.rectangle([left, 210 - int(rng.integers(12, 180)), left + 11, 210], fill=colour)
    draw.line([(16, 211), (230, 211)], fill="grey", width=2)
    draw.text((90, 222), "quarter", fill="black")
    return image


def _area(rng: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", (_SIZE, _SIZE), "white")
    draw = ImageDraw.Draw(image)
    heights = (150 + np.cumsum(rng.normal(0, 12, 12))).clip(30, 215).tolist()
    points = [(16 + 19 * number, height) for number, height in enumerate(heights)]
    draw.polygon([(16, 220), *points, (225, 220)], fill=_paint(rng))
    draw.line([(16, 16), (16, 220), (228, 220)], fill="black", width=1)
    return image


def _letter(rng: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", (_SIZE, _SIZE), (250, 250, 246))
    draw = ImageDraw.Draw(image)
    words = ["we", "write", "about", "your", "last", "invoice", "and", "ask", "for", "an", "answer"]
    for row in range(14):
        line = " ".join(rng.choice(words, int(rng.integers(3, 8))).tolist())
        draw.text((18, 16 + 15 * row), line, fill=(20, 20, 60))
    return image


def _tiles(rng: np.random.Generator) -> Image.Image:
    count = int(rng.integers(3, 14))
    small = rng.integers(0, 256, (count, count, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((_SIZE, _SIZE), Image.Resampling.NEAREST)


def _ring(rng: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", (_SIZE, _SIZE), "white")
    draw = ImageDraw.Draw(image)
    ends = np.sort(rng.integers(15, 345, 4)).tolist()
    for start, end in zip([0, *ends], [*ends, 360], strict=True):
        draw.pieslice([40, 40, 200, 200], start, end, fill=_paint(rng))
    draw.ellipse([85, 85, 155, 155], fill="white")
    return image
