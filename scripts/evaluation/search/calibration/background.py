"""Queries that a fashion shop has no answer to; confidence is fitted without any of them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["TEXTS", "WORN", "images"]

TEXTS: tuple[str, ...] = tuple(
    text.strip()
    for line in """
    suspension bridge; furniture; asdfgh; quantum physics; tax return; saxophone; airplane; castle
    mortgage rates; lorem ipsum; xkjhd wqpe; tractor; refrigerator; the president of france; pizza
    apartment for rent; swimming pool; mushroom soup; hamster cage; steam locomotive; polar bear
    garden shed; electric drill; how to cook rice; football results; cancel my order; dishwashing
    wedding cake; jet engine; gravestone; violin concerto; ice cream; supermarket; office chair
    submarine; microscope; bunk bed; strawberries; zebra; motorway; fish tank; snowy mountain
    """.splitlines()
    for text in line.split(";")
    if text.strip()
)

# Labels of the general photos for things that a fashion shop sells, or that people wear or carry.
WORN: frozenset[str] = frozenset(
    word.strip()
    for line in """
    trench coat; maillot; bulletproof vest; running shoe; wallet; chain; cowboy boot; clog; sandal
    Loafer; loafer; sock; jersey; cardigan; sweatshirt; suit; gown; kimono; abaya; poncho; stole
    fur coat; lab coat; miniskirt; hoopskirt; overskirt; sarong; jean; pajama; brassiere; bikini
    swimming trunks; diaper; apron; bow tie; Windsor tie; bolo tie; neck brace; necklace; sunglass
    sunglasses; sombrero; cowboy hat; bonnet; bathing cap; shower cap; mortarboard; wig; mask
    ski mask; gasmask; crash helmet; football helmet; mitten; buckle; backpack; purse; handbag
    mailbag; umbrella; digital watch; stopwatch; analog clock; perfume; lotion; lipstick
    face powder; sunscreen; hair spray; velvet; wool; academic gown; vestment; cloak; feather boa
    military uniform; breastplate; cuirass; chain mail; hair slide; knee pad
    Christmas stocking; plastic bag; packet
    """.splitlines()
    for word in line.split(";")
    if word.strip()
)

_SIZE = 260


def images() -> list[Image.Image]:
    """Draw noise, blanks, charts, a page of text and a checkerboard, unlike those of the fit."""
    rng = np.random.default_rng(20)
    made = [
        Image.fromarray(rng.integers(0, 256, (_SIZE, _SIZE, 3), dtype=np.uint8)),
        Image.fromarray(rng.normal(128, 40, (_SIZE, _SIZE, 3)).clip(0, 255).astype(np.uint8)),
        Image.fromarray(rng.integers(0, 256, (_SIZE, _SIZE), dtype=np.uint8)).convert("RGB"),
        *(
            Image.new("RGB", (_SIZE, _SIZE), c)
            for c in ("white", "black", "#c8c8d2", "navy", "red")
        ),
    ]
    return [*made, _pie(), _curve(rng), _checks(), _text()]


def _pie() -> Image.Image:
    image = Image.new("RGB", (_SIZE, _SIZE), "white")
    draw = ImageDraw.Draw(image)
    for start, end, colour in ((0, 130, "teal"), (130, 220, "gold"), (220, 360, "salmon")):
        draw.pieslice([30, 30, 230, 230], start, end, fill=colour)
    return image


def _curve(rng: np.random.Generator) -> Image.Image:
    image = Image.new("RGB", (_SIZE, _SIZE), "white")
    draw = ImageDraw.Draw(image)
    draw.line([(30, 20), (30, 230), (240, 230)], fill="black", width=2)
    heights = (200 - np.cumsum(rng.normal(1, 8, 22))).clip(25, 225).tolist()
    draw.line([(30 + 9 * i, height) for i, height in enumerate(heights)], fill="blue", width=3)
    return image


def _checks() -> Image.Image:
    squares = (np.indices((_SIZE, _SIZE)) // 26).sum(axis=0) % 2 * 255
    return Image.fromarray(squares.astype(np.uint8)).convert("RGB")


def _text() -> Image.Image:
    image = Image.new("RGB", (_SIZE, _SIZE), "white")
    draw = ImageDraw.Draw(image)
    for row in range(12):
        draw.text((20, 15 + 19 * row), "Dear Sir, your letter of the 3rd instant", fill="black")
    return image
