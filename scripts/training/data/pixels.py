"""Decoded images on disk, so that every experiment after the first starts at once."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from embeddings import Preprocess, ResizeMode
from scripts.training.data.catalogs import read_images, read_rows

__all__ = ["PREPROCESS", "SIZE", "PixelRows", "cached_pixels", "save_pixels"]

SIZE = 160
PREPROCESS = Preprocess((SIZE, SIZE), ResizeMode.LONGEST, "bicubic", 255)

PixelRows = NDArray[np.uint8]

# Images that a process decodes at once.
_CHUNK = 256


def _decode(data: bytes, size: int) -> PixelRows:
    with Image.open(io.BytesIO(data)) as opened:
        opened.draft("RGB", (2 * size, 2 * size))
        image = ImageOps.exif_transpose(opened).convert("RGB")
    preprocess = Preprocess((size, size), ResizeMode.LONGEST, "bicubic", 255)
    return preprocess(image)


def _decode_many(chunk: tuple[list[bytes], int]) -> PixelRows:
    images, size = chunk
    return np.stack([_decode(data, size) for data in images])


def _chunks(images: Iterable[bytes], size: int) -> Iterator[tuple[list[bytes], int]]:
    chunk: list[bytes] = []
    for image in images:
        chunk.append(image)
        if len(chunk) == _CHUNK:
            yield chunk, size
            chunk = []
    if chunk:
        yield chunk, size


def save_pixels(path: Path, count: int, size: int, blocks: Iterable[PixelRows]) -> None:
    """Write `[count, size, size, 3]` pixels from blocks of rows; the file appears when complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    rows = np.lib.format.open_memmap(partial, "w+", np.uint8, (count, size, size, 3))
    start = 0
    for block in blocks:
        rows[start : start + len(block)] = block
        start += len(block)
    if start != count:
        raise ValueError(f"{path.name}: {start} images where {count} were expected")
    rows.flush()
    partial.rename(path)


def cached_pixels(data: Path, cache: Path, name: str, size: int = SIZE) -> PixelRows:
    """Return pixels `[n, size, size, 3]` of a set, as `PREPROCESS` gives them, memory-mapped.

    They are decoded on the first call, by two processes; about 1,000 small images a second.
    """
    path = cache / "pixels" / f"{name}-{size}.npy"
    if not path.exists():
        count = len(read_rows(data, name))
        with get_context("spawn").Pool(2) as pool:
            blocks = pool.imap(_decode_many, _chunks(read_images(data, name), size))
            save_pixels(path, count, size, blocks)
    rows: PixelRows = np.load(path, mmap_mode="r")
    return rows
