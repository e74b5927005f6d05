"""Image loading: decoding images in worker processes, and fetching them from URLs."""

from __future__ import annotations

from indexer.image_loading.decode_pool import (
    THUMBNAIL_SIDE,
    Decoded,
    DecodePool,
    DecodeTask,
    decoder_faults,
)

__all__ = ["THUMBNAIL_SIDE", "DecodePool", "DecodeTask", "Decoded", "decoder_faults"]
