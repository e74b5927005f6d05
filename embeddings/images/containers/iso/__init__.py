"""ISO media files: AVIF and HEIC."""

from __future__ import annotations

from embeddings.images.containers.iso.avif import is_avif, read_avif
from embeddings.images.containers.iso.heic import is_heic, read_heic

__all__ = ["is_avif", "is_heic", "read_avif", "read_heic"]
