"""Image loading: decoding images in worker processes, and fetching them from URLs."""

from __future__ import annotations

from indexer.image_loading.decode_pool import DecodePool, decoder_faults
from indexer.image_loading.decode_task import THUMBNAIL_SIDE, Decoded, DecodeTask, ImageDetails
from indexer.image_loading.decoded_batch import BatchInDecoder, DecodedBatch
from indexer.image_loading.decoder import ImageDecoder, InThreadDecoder, open_decoder
from indexer.image_loading.pixel_memory import PixelMemory

__all__ = [
    "THUMBNAIL_SIDE",
    "BatchInDecoder",
    "DecodePool",
    "DecodeTask",
    "Decoded",
    "DecodedBatch",
    "ImageDecoder",
    "ImageDetails",
    "InThreadDecoder",
    "PixelMemory",
    "decoder_faults",
    "open_decoder",
]
