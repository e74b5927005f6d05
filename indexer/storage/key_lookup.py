"""Key lookup: rows by 64-bit key, by binary search in the array of a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.storage.memory_map import load_array

__all__ = ["KeyArray", "Lookup", "content_key", "content_keys", "id_key", "id_keys"]

KeyArray = NDArray[np.uint64]

_KEY_BYTES = 8


class Lookup:
    """Keys in ascending order, each with its row.

    Keys may collide: callers must compare the stored value of the rows found.

    Args:
        table: `[2, n]`: keys in ascending order, and their rows.
    """

    def __init__(self, table: KeyArray) -> None:
        # Plain arrays: indexing `np.memmap` itself takes ten times as long.
        self._keys, self._rows = np.asarray(table)

    @classmethod
    def of(cls, keys: KeyArray) -> Lookup:
        """Make the lookup over keys in row order, `[n]`."""
        return cls(_sorted(keys))

    @classmethod
    def open(cls, path: Path) -> Lookup:
        """Open a lookup that `write` wrote.

        Raises:
            OSError: The file can't be read.
            ValueError: The file is not a key lookup.
        """
        table = load_array(path)
        if table.shape != (2, table.size // 2) or table.dtype != np.uint64:
            raise ValueError(f"{path.name} is not a valid key-lookup file")
        return cls(table)

    @staticmethod
    def write(path: Path, keys: KeyArray) -> None:
        """Write the lookup over keys in row order, `[n]`."""
        np.save(path, _sorted(keys))

    def __len__(self) -> int:
        return len(self._keys)

    def rows(self, key: int) -> list[int]:
        """Return the rows with a key, ascending; mostly one or none."""
        wanted = np.uint64(key)
        place = int(np.searchsorted(self._keys, wanted))
        found = []
        while place < len(self._keys) and self._keys[place] == wanted:
            found.append(int(self._rows[place]))
            place += 1
        return found


def id_key(product_id: str) -> int:
    """Return the key of a product id: 64 bits of its BLAKE2b hash."""
    return int.from_bytes(
        hashlib.blake2b(
            product_id.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES
        ).digest(),
        "little",
    )


def id_keys(ids: Iterable[str]) -> KeyArray:
    """Return the keys of several ids, `[n]`; see `id_key`."""
    return np.fromiter((id_key(product_id) for product_id in ids), np.uint64)


def content_key(sha256: bytes) -> int:
    """Return the key of an image's content: the first 64 bits of its SHA-256."""
    return int.from_bytes(sha256[:_KEY_BYTES], "little")


def content_keys(hashes: NDArray[np.uint8]) -> KeyArray:
    """Return the keys of several hashes, given as `[n, 32]` bytes; see `content_key`."""
    return np.ascontiguousarray(hashes[:, :_KEY_BYTES]).view("<u8").reshape(-1).astype(np.uint64)


def _sorted(keys: KeyArray) -> KeyArray:
    order = np.argsort(keys, kind="stable")
    return np.stack([keys[order], order.astype(np.uint64)])
