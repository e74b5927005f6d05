"""The shared sets that `compact` learns from and is measured on, and their split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

__all__ = [
    "CLOTHING",
    "FASHION",
    "GENERAL",
    "GROCERY_PHOTOS",
    "GROCERY_PRODUCTS",
    "SETS",
    "SetRows",
    "held_back",
    "read_images",
    "read_rows",
    "read_table",
    "rows_of",
]

FASHION = "fashion-train"
GROCERY_PRODUCTS = "grocery-products"
GROCERY_PHOTOS = "grocery-photos-train"
CLOTHING = "clothing-train"
GENERAL = "general-photos"
SETS = (FASHION, GROCERY_PRODUCTS, GROCERY_PHOTOS, CLOTHING, GENERAL)


@dataclass(frozen=True)
class SetRows:
    """One set without its images.

    Attributes:
        name: One of `SETS`.
        columns: Every column but `image`, as lists of one length.
        train: Row numbers that training may see.
        held: Row numbers held back for measuring; empty or whole where a set has no split.
    """

    name: str
    columns: dict[str, list[Any]]
    train: NDArray[np.int64]
    held: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.columns["id"])


def held_back(ids: Sequence[str]) -> NDArray[np.int64]:
    """Return rows of the held-back tenth: the ids whose SHA-256 (hex of UTF-8) sorts first.

    The count is a tenth rounded up, so 3,560 of 35,598; the order of the rows does not matter.
    """
    digests = [hashlib.sha256(i.encode()).hexdigest() for i in ids]
    order = sorted(range(len(ids)), key=lambda row: digests[row])
    return np.sort(np.array(order[: -(-len(ids) // 10)], dtype=np.int64))


def read_rows(data: Path, name: str) -> SetRows:
    """Read a set's columns and its split."""
    tables = []
    for path in _files(data, name):
        names = [column for column in pq.read_schema(path).names if column != "image"]
        tables.append(pq.read_table(path, columns=names))
    return rows_of(name, pa.concat_tables(tables).to_pydict())


def rows_of(name: str, columns: dict[str, list[Any]]) -> SetRows:
    """Split a set's rows into those that training may see and those held back.

    All grocery packshots are trained on, since photos are searched among them. None of the general
    photos is, since they are for measuring only.
    """
    everything = np.arange(len(columns["id"]), dtype=np.int64)
    nothing = everything[:0]
    if name == GROCERY_PRODUCTS:
        return SetRows(name, columns, everything, nothing)
    if name == GENERAL:
        return SetRows(name, columns, nothing, everything)
    held = held_back(columns["id"])
    return SetRows(name, columns, np.setdiff1d(everything, held), held)


def read_table(data: Path, name: str) -> pa.Table:
    """Read a set with its images."""
    return pa.concat_tables([pq.read_table(path) for path in _files(data, name)])


def read_images(data: Path, name: str) -> Iterator[bytes]:
    """Yield the encoded images of a set, in row order."""
    for path in _files(data, name):
        for batch in pq.ParquetFile(path).iter_batches(256, columns=["image"]):
            yield from batch.column("image").to_pylist()


def _files(data: Path, name: str) -> list[Path]:
    files = sorted(data.glob(f"{name}-[0-9]*.parquet"))
    if not files:
        raise FileNotFoundError(f"{data} has no {name}-*.parquet")
    return files
