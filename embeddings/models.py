"""Model names and the table of recommended models."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from embeddings.errors import UnknownModelError

__all__ = [
    "COMPACT_FOLDER",
    "DEFAULT_MODEL",
    "MODELS",
    "ModelName",
    "ModelSource",
    "ModelSpec",
    "find_spec",
    "parse_model_name",
    "stronger_than",
]

COMPACT_FOLDER = Path(__file__).parent / "data" / "compact"
DEFAULT_MODEL = "compact"


class ModelSource(StrEnum):
    """Where a model's files come from."""

    BUNDLED = "bundled"  # ships with this package
    OPEN_CLIP = "open_clip"  # a pair in open_clip's table, fetched on first use
    HUB = "hf-hub"  # an open_clip model on the Hugging Face hub
    FOLDER = "local-dir"  # an open_clip model folder on disk
    EXPORTED = "onnx-dir"  # a folder of `lookalike models export`


@dataclass(frozen=True)
class ModelSpec:
    """A recommended model, as `lookalike models` lists it.

    Attributes:
        name: The value for `--model`.
        source: Where its files come from.
        download_mb: Megabytes (10^6 bytes) fetched on first use; 0 for a bundled model.
        dim: Length of its vectors.
        summary: When to choose it, in one line.
        sha256: Of the weights file; None where it is not pinned.
    """

    name: str
    source: ModelSource
    download_mb: int
    dim: int
    summary: str
    sha256: str | None = None


# Download sizes are four bytes for each parameter that open_clip's model profile lists, which is
# how these repositories store their safetensors.
MODELS: tuple[ModelSpec, ...] = (
    ModelSpec(
        name="compact",
        source=ModelSource.BUNDLED,
        download_mb=0,
        dim=256,
        summary="Ships with Lookalike; retail images, quick on a laptop CPU, needs no network.",
        sha256="f7fd835797a81939f6e23af0134686a0d1cae43ee858e9afed43812f87bb10be",
    ),
    ModelSpec(
        name="ViT-B-32/laion2b_s34b_b79k",
        source=ModelSource.OPEN_CLIP,
        download_mb=605,
        dim=512,
        summary="General images; the quickest of the large models.",
    ),
    ModelSpec(
        name="ViT-B-16-SigLIP2/webli",
        source=ModelSource.OPEN_CLIP,
        download_mb=1501,
        dim=768,
        summary="General images, many languages; the strongest of its size.",
    ),
    ModelSpec(
        name="hf-hub:Marqo/marqo-fashionSigLIP",
        source=ModelSource.HUB,
        download_mb=813,
        dim=768,
        summary="Fashion; tuned on clothes, shoes and accessories.",
    ),
)


@dataclass(frozen=True)
class ModelName:
    """A parsed model name: its source, and the rest of the name."""

    source: ModelSource
    rest: str


def parse_model_name(name: str) -> ModelName:
    """Parse a model name of any form.

    Raises:
        UnknownModelError: It has none of the forms.
    """
    if name == DEFAULT_MODEL:
        return ModelName(ModelSource.BUNDLED, name)
    for source in (ModelSource.HUB, ModelSource.FOLDER, ModelSource.EXPORTED):
        prefix = f"{source}:"
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            if rest and (source is not ModelSource.HUB or rest.count("/") == 1):
                return ModelName(source, rest)
            raise UnknownModelError(_forms(name))
    architecture, _, pretrained = name.partition("/")
    if architecture and pretrained and "/" not in pretrained:
        return ModelName(ModelSource.OPEN_CLIP, name)
    raise UnknownModelError(_forms(name))


def find_spec(name: str) -> ModelSpec | None:
    """Return the table's row for a model name, or None."""
    return next((spec for spec in MODELS if spec.name == name), None)


def stronger_than(name: str) -> ModelSpec | None:
    """Return a stronger model to suggest beside `name`; None if that is a large one itself."""
    return find_spec("ViT-B-16-SigLIP2/webli") if name == DEFAULT_MODEL else None


def _forms(name: str) -> str:
    return (
        f"{name!r} is not a model name. Use 'compact', ARCHITECTURE/PRETRAINED as open_clip lists "
        "them (e.g. ViT-B-32/laion2b_s34b_b79k), hf-hub:ORG/NAME, local-dir:PATH or onnx-dir:PATH."
    )
