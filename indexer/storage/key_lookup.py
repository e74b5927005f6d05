"""Finding rows by a 64-bit key, in arrays that are memory-mapped and searched by halves."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["KeyArray", "Lookup", "content_key", "content_keys", "id_key", "id_keys"]

KeyArray = NDArray[np.uint64]


class Lookup:
    """Keys in ascending order, each with its row.

    Different things may share a key, so whoever looks one up compares what stands in the rows.

    Args:
        table: `[2, n]`: sorted keys, and their rows.
    """

    def __init__(self, table: KeyArray) -> None:
        self._keys, self._rows = table

    @classmethod
    def of(cls, keys: KeyArray) -> Lookup:
        """The lookup over keys in row order, `[n]`."""
        return cls(_sorted(keys))

    @classmethod
    def open(cls, path: Path) -> Lookup:
        """Map a lookup that `write` wrote.

        Raises:
            ValueError: It is none.
        """
        table = np.load(path, mmap_mode="r")
        if table.ndim != 2 or len(table) != 2 or table.dtype != np.uint64:
            raise ValueError(f"{path.name} is no lookup")
        return cls(table)

    @staticmethod
    def write(path: Path, keys: KeyArray) -> None:
        """Write a lookup over keys in row order, `[n]`."""
        np.save(path, _sorted(keys))

    def __len__(self) -> int:
        return len(self._keys)

    def rows(self, key: int) -> list[int]:
        """The rows with a key, ascending; few, and mostly one or none."""
        wanted = np.uint64(key)
        place = int(np.searchsorted(self._keys, wanted))
        found = []
        while place < len(self._keys) and self._keys[place] == wanted:
            found.append(int(self._rows[place]))
            place += 1
        return found


def id_key(product_id: str) -> int:
    """The key of a product id: 64 bits of its BLAKE2b hash."""
    return int.from_bytes(
        hashlib.blake2b(product_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(),
        "little",
    )


def id_keys(ids: Iterable[str]) -> KeyArray:
    """`id_key` of several ids, `[n]`."""
    return np.fromiter((id_key(product_id) for product_id in ids), np.uint64)


def content_key(sha256: bytes) -> int:
    """The key of a picture's content: the first 64 bits of its SHA-256."""
    return int.from_bytes(sha256[:8], "little")


def content_keys(hashes: NDArray[np.uint8]) -> KeyArray:
    """`content_key` of several hashes, given as `[n, 32]` bytes."""
    return np.ascontiguousarray(hashes[:, :8]).view("<u8").reshape(-1).astype(np.uint64)


def _sorted(keys: KeyArray) -> KeyArray:
    order = np.argsort(keys, kind="stable")
    return np.stack([keys[order], order.astype(np.uint64)])
