"""`load_encoder`: an encoder by the name of its model; imports the runtime only when called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings.models import parse_model_name

if TYPE_CHECKING:
    from embeddings.clip import ClipEncoder

__all__ = ["load_encoder"]


def load_encoder(name: str, *, device: str = "auto", precision: str = "auto") -> ClipEncoder:
    """Load a model.

    Args:
        name: `compact`, `ARCH/PRETRAINED`, `hf-hub:ORG/NAME` or `local-dir:PATH`.
        device: `auto` (CUDA where there is one), `cpu`, `cuda` or `cuda:N`.
        precision: `auto`, `fp32`, `bf16` or `fp16`.

    Raises:
        ModelError: The name, device or precision is invalid, or the model can't be loaded.
    """
    parse_model_name(name)  # refuse a mistyped name before the runtime takes seconds to load
    from embeddings.clip import load_encoder as load_clip_encoder

    return load_clip_encoder(name, device=device, precision=precision)
