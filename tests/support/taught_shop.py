"""A shop whose features tell its products apart, and whose model's vectors hardly do.

`taught_shop` draws its lessons, and `write_taught_shop` its images, which `TaughtEncoder` sees.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from embeddings import EncoderSpec, FakeEncoder, FloatArray, PixelArray
from indexer.adaptation import Lessons, group_products

__all__ = [
    "DIM",
    "WIDTH",
    "TaughtEncoder",
    "draw_product",
    "encode_words",
    "taught_shop",
    "write_taught_shop",
]

DIM, WIDTH = 32, 48
_KINDS = ("lamp", "chair", "table", "shelf", "carpet", "mirror")
_COLOURS = ("red", "green", "blue", "white")


def encode_words(texts: Sequence[str]) -> FloatArray:
    """Embed texts as the sum of a random vector for each word, of length 1; `[n, DIM]`."""
    rows = [sum(map(_word, text.lower().split() or [""]), np.zeros(DIM)) for text in texts]
    return np.array([row / np.linalg.norm(row) for row in rows], np.float32).reshape(-1, DIM)


def taught_shop(
    count: int = 360, *, seed: int = 0, knows: float = 0.05, taught: float = 1.0
) -> Lessons:
    """Draw products of a kind and a colour each.

    Args:
        count: Number of products.
        seed: Of the drawing.
        knows: How much of the words is in the model's own vectors, beside noise of length 1.
        taught: How much of them is in the features, beside noise.
    """
    rng = np.random.default_rng(seed)
    kinds = [str(kind) for kind in rng.choice(_KINDS, count)]
    colours = [str(colour) for colour in rng.choice(_COLOURS, count)]
    titles = [
        f"{colour} {kind} {number // 2}"  # two variants share a title
        for number, (kind, colour) in enumerate(zip(kinds, colours, strict=True))
    ]
    titles[1::2] = titles[: count - count % 2 : 2]
    kinds[1::2] = kinds[: count - count % 2 : 2]
    colours[1::2] = colours[: count - count % 2 : 2]
    words = encode_words([f"{colour} {kind}" for colour, kind in zip(colours, kinds, strict=True)])
    noise = rng.normal(size=(count, DIM)) / np.sqrt(DIM)
    vectors = knows * words + noise
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    seen = words @ rng.normal(size=(DIM, WIDTH)) * taught
    features = seen + 0.3 * rng.normal(size=(count, WIDTH))
    return Lessons(
        vectors.astype(np.float16),
        features.astype(np.float16),
        titles,
        {"kind": kinds, "colour": colours},
        group_products(titles),
        colours,
    )


def _word(word: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
    return np.random.default_rng(seed).normal(size=DIM)


class TaughtEncoder(FakeEncoder):
    """Embeds words as `encode_words` does, and images without any sense.

    Its features are the pixels of an image at 4 x 4. `images` counts the images embedded.
    """

    def __init__(self, name: str = "fake", *, features: bool = True) -> None:
        super().__init__(name, "taught")
        self._features = WIDTH if features else 0
        self.images = 0

    @property
    def spec(self) -> EncoderSpec:
        """That of `FakeEncoder`, with vectors of `DIM` and `WIDTH` features."""
        return replace(super().spec, dim=DIM, features=self._features)

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Return `encode_words`."""
        return encode_words(texts)

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """Return vectors that only equal images share, `[n, DIM]`."""
        return self.encode_image_rows(pixels)[:, :DIM]

    def encode_image_rows(self, pixels: PixelArray) -> FloatArray:
        """Return `[n, DIM + WIDTH]`, or `[n, DIM]` of an encoder without features."""
        self.images += len(pixels)
        vectors = np.array([_word(image.tobytes().hex()) for image in pixels]).reshape(-1, DIM)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        cells = pixels.reshape(len(pixels), 4, 2, 4, 2, 3).mean(axis=(2, 4)).reshape(-1, WIDTH)
        return np.concatenate([vectors, cells[:, : self._features]], axis=1, dtype=np.float32)


def draw_product(colour: str, kind: str, seed: int) -> Image.Image:
    """Draw a product as a pattern that its kind and its colour share in."""
    patterns = [
        np.random.default_rng(list(word.encode())).normal(size=(4, 4, 3)) for word in (colour, kind)
    ]
    noise = np.random.default_rng(seed).normal(size=(4, 4, 3))
    cells = 128 + 30 * patterns[0] + 30 * patterns[1] + 8 * noise
    pixels = np.clip(cells, 0, 255).astype(np.uint8).repeat(4, axis=0).repeat(4, axis=1)
    return Image.fromarray(pixels)


def write_taught_shop(folder: Path, count: int, *, seed: int = 0, dealt: bool = False) -> Path:
    """Write a catalog of drawn products.

    Args:
        folder: Where to; made if missing.
        count: Number of products.
        seed: Of the drawing.
        dealt: Whether the words are dealt to wrong pictures.
    """
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    drawn = list(_products(count, rng))
    words = [drawn[place] for place in rng.permutation(count)] if dealt else drawn
    lines = ["id,image,title,kind,colour"]
    for number, (pair, (colour, kind)) in enumerate(zip(drawn, words, strict=True)):
        draw_product(*pair, seed=1000 * seed + number).save(folder / f"{seed}-{number}.png")
        title = f"{colour} {kind} {number}"
        lines.append(f"{seed}-{number},{seed}-{number}.png,{title},{kind},{colour}")
    path = folder / "shop.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def _products(count: int, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    for _ in range(count):
        yield str(rng.choice(_COLOURS)), str(rng.choice(_KINDS))
