"""Search efforts of each kind of FAISS index, from small to large; tuning chooses among them."""

from __future__ import annotations

from collections.abc import Mapping

from indexer.storage import Effort, IndexKind

__all__ = ["EFFORTS"]

_HNSW_BREADTHS = (32, 48, 64, 96, 128, 192, 256, 384, 768)
# Walking the graph costs more than ranking rows again, so that more than this are never needed.
_HNSW_MAX_CANDIDATES = 40

EFFORTS: Mapping[IndexKind, tuple[Effort, ...]] = {
    IndexKind.FLAT: (Effort(0, 0),),
    IndexKind.HNSW: tuple(
        Effort(breadth, min(breadth, _HNSW_MAX_CANDIDATES)) for breadth in _HNSW_BREADTHS
    ),
    IndexKind.IVFPQ: (
        Effort(16, 50),
        Effort(16, 100),
        Effort(24, 100),
        Effort(32, 100),
        Effort(48, 100),
        Effort(32, 200),
        Effort(48, 200),
        Effort(64, 200),
        Effort(64, 300),
        Effort(96, 300),
        Effort(96, 400),
        Effort(128, 400),
        Effort(128, 600),
        Effort(192, 800),
        Effort(384, 1600),
    ),
}
"""The efforts of a kind in the order in which tuning tries them."""
