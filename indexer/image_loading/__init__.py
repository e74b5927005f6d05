"""Image loading: decoding images in worker processes, and fetching them from URLs."""

from __future__ import annotations

from indexer.image_loading.decode_pool import DecodePool, decoder_faults
from indexer.image_loading.decode_task import THUMBNAIL_SIDE, Decoded, DecodeTask
from indexer.image_loading.decoder import ImageDecoder, InThreadDecoder, open_decoder

__all__ = [
    "THUMBNAIL_SIDE",
    "DecodePool",
    "DecodeTask",
    "Decoded",
    "ImageDecoder",
    "InThreadDecoder",
    "decoder_faults",
    "open_decoder",
]
