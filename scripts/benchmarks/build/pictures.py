"""Pictures of the build benchmark: real photos, as JPEG files of the sizes that shops have.

The large ones are mosaics of many photos at their own resolution, since an enlarged photo has less
detail, and so decodes more quickly, than a camera's.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

__all__ = ["SIZES", "Labelled", "labelled", "peer_photos", "photos", "pictures", "write_folder"]

SIZES = {"60x80": (60, 80), "1mp": (1152, 864), "8mp": (3456, 2304)}
"""Width and height in pixels, by what measures call them."""

_FASHION = "fashion-train-0000.parquet"
_SHOPPERS = "clothing-train-0000.parquet"
_PHOTOS = "general-photos-0000.parquet"
_PEER_SIZE = (192, 250)
_QUALITY = 90
# Mosaics that are made of each size; files beyond that differ in a comment only.
_MOSAICS = {"1mp": 48, "8mp": 12}

Labelled = tuple[Sequence[bytes], Sequence[str]]


def pictures(data: Path, size: str, number: int) -> list[bytes]:
    """Return JPEG files of one of `SIZES`, no two with the same bytes.

    Args:
        data: The folder of the shared catalogs.
        size: A key of `SIZES`.
        number: How many; of 60x80 there are a few thousand.
    """
    if size == "60x80":
        images, _ = labelled(data, number)
        return list(images)
    made = [_mosaic(data, SIZES[size], seed) for seed in range(min(number, _MOSAICS[size]))]
    return [_with_comment(made[at % len(made)], at) for at in range(number)]


def labelled(data: Path, number: int) -> Labelled:
    """Return different 60x80 product pictures and their article types."""
    found: dict[bytes, str] = {}
    table = pq.read_table(data / _FASHION, columns=["image", "article_type"]).to_pydict()
    for image, kind in zip(table["image"], table["article_type"], strict=True):
        with Image.open(io.BytesIO(image)) as opened:
            if opened.size == SIZES["60x80"] and opened.mode == "RGB":
                found.setdefault(image, kind)
        if len(found) == number:
            break
    return list(found), list(found.values())


def peer_photos(data: Path, number: int) -> list[bytes]:
    """Return photos of worn clothes, resized to 192x250."""
    images = _images(data / _SHOPPERS)
    chosen = random.Random(0).sample(images, number)
    return [_jpeg(_open(image).resize(_PEER_SIZE, Image.Resampling.LANCZOS)) for image in chosen]


def photos(data: Path, number: int) -> list[bytes]:
    """Return photos of things and of worn clothes, up to so many, the former first."""
    return [*_images(data / _PHOTOS), *_images(data / _SHOPPERS)][:number]


def write_folder(folder: Path, images: Sequence[bytes]) -> Path:
    """Write pictures into a folder that did not exist."""
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        (folder / f"{number:05}.jpg").write_bytes(image)
    return folder


def _mosaic(data: Path, size: tuple[int, int], seed: int) -> bytes:
    """Return one picture, filled with whole photos line by line."""
    photos = _photos(data, seed)
    canvas = Image.new("RGB", size)
    top = 0
    while top < size[1]:
        left = height = 0
        while left < size[0]:
            photo = next(photos)
            canvas.paste(photo, (left, top))
            left += photo.width
            height = min(height, photo.height) or photo.height
        top += height
    return _jpeg(canvas)


def _photos(data: Path, seed: int) -> Iterator[Image.Image]:
    images = _images(data / _PHOTOS)
    order = random.Random(seed).sample(range(len(images)), len(images))
    for at in count():
        yield _open(images[order[at % len(order)]])


def _images(file: Path) -> list[bytes]:
    images: list[bytes] = pq.read_table(file, columns=["image"]).column(0).to_pylist()
    return images


def _open(image: bytes) -> Image.Image:
    return Image.open(io.BytesIO(image)).convert("RGB")


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _with_comment(jpeg: bytes, number: int) -> bytes:
    """Return the JPEG with a comment segment (marker FFFE, ITU T.81 B.2.4.5) at its start."""
    text = str(number).encode()
    return jpeg[:2] + b"\xff\xfe" + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]
