"""CLIP models run by torch and open_clip; the only folder that imports them."""

from __future__ import annotations

from embeddings.clip.compact_trunk import DIM, FORK, LOW_STAGES, CompactTrunk, pools
from embeddings.clip.encoder import ClipEncoder, fold_batch_norms, load_encoder, use_threads

__all__ = [
    "DIM",
    "FORK",
    "LOW_STAGES",
    "ClipEncoder",
    "CompactTrunk",
    "fold_batch_norms",
    "load_encoder",
    "pools",
    "use_threads",
]
