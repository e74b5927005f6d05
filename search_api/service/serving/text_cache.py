"""Cache of the vectors of recent texts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from cachetools import LRUCache

from embeddings import FloatArray

__all__ = ["Lookup", "TextCache"]

Lookup = Literal["hit", "miss"]


class TextCache:
    """Least-recently-used cache from a text to its vector; thread-safe.

    Args:
        size: Number of vectors that are kept; 0 keeps none.
        on_lookup: Called with the result of every lookup.
    """

    def __init__(self, size: int, on_lookup: Callable[[Lookup], None] | None = None) -> None:
        self._rows: LRUCache[str, FloatArray] = LRUCache(size)
        self._on_lookup = on_lookup
        self._lock = threading.Lock()

    def get(self, text: str) -> FloatArray | None:
        """Return the vector of a text, or None if it is not kept."""
        with self._lock:
            row = self._rows.get(text)
        if self._on_lookup is not None:
            self._on_lookup("miss" if row is None else "hit")
        return row

    def put(self, text: str, row: FloatArray) -> None:
        """Keep a vector; the least recently used one makes room."""
        with self._lock:
            if self._rows.maxsize > 0:
                self._rows[text] = row
