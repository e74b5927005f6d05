"""Image loading: decoding images in worker processes, and fetching them from URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from indexer.image_loading.decode_pool import (
        DecodePool,
        DecoderCrashedError,
        decoder_faults,
    )
    from indexer.image_loading.decode_task import THUMBNAIL_SIDE, Decoded, DecodeTask, ImageDetails
    from indexer.image_loading.decoded_batch import BatchInDecoder, DecodedBatch
    from indexer.image_loading.decoder import ImageDecoder, InThreadDecoder, open_decoder
    from indexer.image_loading.pixel_memory import PixelMemory
    from indexer.image_loading.worker_pool import WorkerPool
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "indexer.image_loading.decode_pool": (
                "DecodePool",
                "DecoderCrashedError",
                "decoder_faults",
            ),
            "indexer.image_loading.decode_task": (
                "THUMBNAIL_SIDE",
                "Decoded",
                "DecodeTask",
                "ImageDetails",
            ),
            "indexer.image_loading.decoded_batch": (
                "BatchInDecoder",
                "DecodedBatch",
            ),
            "indexer.image_loading.decoder": (
                "ImageDecoder",
                "InThreadDecoder",
                "open_decoder",
            ),
            "indexer.image_loading.pixel_memory": ("PixelMemory",),
            "indexer.image_loading.worker_pool": ("WorkerPool",),
        },
    )

__all__ = [
    "THUMBNAIL_SIDE",
    "BatchInDecoder",
    "DecodePool",
    "DecodeTask",
    "Decoded",
    "DecodedBatch",
    "DecoderCrashedError",
    "ImageDecoder",
    "ImageDetails",
    "InThreadDecoder",
    "PixelMemory",
    "WorkerPool",
    "decoder_faults",
    "open_decoder",
]
