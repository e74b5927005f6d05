"""Export of open_clip models to ONNX folders, on demand and on first use."""

from __future__ import annotations

from embeddings.clip.exporting.conversion import convert
from embeddings.clip.exporting.export import export_model

__all__ = ["convert", "export_model"]
