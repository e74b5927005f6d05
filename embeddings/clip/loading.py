"""Loading of a `ClipEncoder`: a network of open_clip on a device."""

from __future__ import annotations

import torch

from embeddings.clip.encoder import MODEL_THREAD, ClipEncoder
from embeddings.clip.model import ClipModel
from embeddings.clip.networks import load_network
from embeddings.errors import ModelError

__all__ = ["has_gpu", "load_encoder"]


def has_gpu() -> bool:
    """Tell whether torch finds a CUDA device."""
    return torch.cuda.is_available()


@MODEL_THREAD.wrap
def load_encoder(name: str, *, device: str = "auto", precision: str = "auto") -> ClipEncoder:
    """Load a model by any of the name forms of `embeddings.models`.

    Args:
        name: E.g. `compact`, `ViT-B-32/laion2b_s34b_b79k`, `local-dir:models/mine`.
        device: `auto` (CUDA if there is one), `cpu`, `cuda`, `cuda:1`, ...
        precision: `auto`, `fp32`, `bf16` or `fp16`. On CUDA `auto` is fp16; on a CPU it is bf16
            where that is measured to be quicker and vectors stay close to float32.

    Raises:
        ModelError: The model is unknown, unavailable, unsafe or broken; the message says which.
    """
    loaded = load_network(name)
    model = ClipModel(
        loaded.network, loaded.tokenizer, _choose_device(device), precision, loaded.fingerprint
    )
    return ClipEncoder(model, name=name, fingerprint=loaded.fingerprint)


def _choose_device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise ModelError(f"{device!r} is not a device; use auto, cpu, cuda or cuda:N.") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ModelError("There is no CUDA device here; use --device auto or --device cpu.")
    return chosen
