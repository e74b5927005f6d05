"""Load an encoder by the name of its model; the runtime is imported only then."""

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
        ModelError: The name, device or precision is wrong, or the model can't be loaded.
    """
    parse_model_name(name)  # a mistyped name should not wait for the runtime to load
    from embeddings.clip import load_encoder as load_clip_encoder

    return load_clip_encoder(name, device=device, precision=precision)
