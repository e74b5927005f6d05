"""CLIP models run by torch and open_clip; the only folder that imports them."""

from __future__ import annotations

from embeddings.clip.batch_norm import fold_batch_norms
from embeddings.clip.compact_trunk import DIM, FORK, LOW_STAGES, CompactTrunk, pools
from embeddings.clip.device_processes import MultiDeviceEncoder, require_gpus
from embeddings.clip.encoder import ClipEncoder, use_threads
from embeddings.clip.exporting import convert, export_model
from embeddings.clip.loading import has_gpu, load_encoder

__all__ = [
    "DIM",
    "FORK",
    "LOW_STAGES",
    "ClipEncoder",
    "CompactTrunk",
    "MultiDeviceEncoder",
    "convert",
    "export_model",
    "fold_batch_norms",
    "has_gpu",
    "load_encoder",
    "pools",
    "require_gpus",
    "use_threads",
]
