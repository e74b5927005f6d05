"""The `Encoder` protocol: images and text in, unit vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from embeddings.preprocess import Preprocess

__all__ = [
    "Encoder",
    "EncoderSpec",
    "FeatureEncoder",
    "FloatArray",
    "PixelArray",
    "encode_image_rows",
    "encode_many_texts",
]

# Texts given to a model at once: more take memory and are hardly quicker.
_TEXT_BATCH = 64

FloatArray = NDArray[np.float32]
PixelArray = NDArray[np.uint8]


@dataclass(frozen=True)
class EncoderSpec:
    """Identity and properties of a loaded encoder, as the index records them.

    Attributes:
        name: The model name as the user gave it, e.g. `compact`.
        fingerprint: SHA-256 (hex) over weights, architecture, preprocessing and tokenizer. Two
            encoders with one fingerprint give the same vectors, up to the precision's rounding.
        dim: Length of every vector.
        device: Where it runs, e.g. `cpu` or `cuda:0`.
        precision: The arithmetic: `fp32`, `bf16` or `fp16`.
        logit_scale: The multiplier of cosines learned in training (CLIP, Radford et al. 2021,
            section 2.3); softmax over labels uses it.
        runtime: The library that computes: `torch`, `openvino` or `onnx`.
        features: How many numbers `FeatureEncoder.encode_image_rows` gives beside each vector; 0
            for an encoder that gives none.
    """

    name: str
    fingerprint: str
    dim: int
    device: str = "cpu"
    precision: str = "fp32"
    logit_scale: float = 100.0
    runtime: str = "torch"
    features: int = 0


@runtime_checkable
class Encoder(Protocol):
    """Turns images and texts into unit vectors of one space.

    To write one: provide `spec` and `preprocess`, and two methods that take a whole batch.
    `preprocess` must be picklable and free of torch, since it runs in the decoding workers.
    """

    @property
    def spec(self) -> EncoderSpec:
        """Identity and properties of this encoder."""
        ...

    @property
    def preprocess(self) -> Preprocess:
        """Turns an RGB image into the pixels that `encode_images` takes."""
        ...

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        """Embed images.

        Args:
            pixels: `[n, height, width, 3]`, uint8, as `preprocess` gives them; n may be 0.

        Returns:
            `[n, dim]` float32 rows of length 1.
        """
        ...

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        """Embed texts; `[n, dim]` float32 rows of length 1. Text past the context is cut off."""
        ...


@runtime_checkable
class FeatureEncoder(Encoder, Protocol):
    """An encoder that also gives what its vectors are made of: an index can learn from that.

    `spec.features` is above 0.
    """

    def encode_image_rows(self, pixels: PixelArray) -> FloatArray:
        """Embed images, and keep the features before the last projection, from the same pass.

        Args:
            pixels: As for `encode_images`.

        Returns:
            `[n, dim + features]` float32: the vector of `encode_images`, then the features.
        """
        ...


def encode_image_rows(encoder: Encoder, pixels: PixelArray) -> FloatArray:
    """Embed images with their features, where the encoder has any.

    Returns:
        `[n, dim + spec.features]` float32, as `FeatureEncoder.encode_image_rows` gives them.
    """
    rows = getattr(encoder, "encode_image_rows", None)
    found: FloatArray = encoder.encode_images(pixels) if rows is None else rows(pixels)
    return found


def encode_many_texts(encoder: Encoder, texts: Sequence[str]) -> FloatArray:
    """Embed any number of texts, a batch at a time; `[n, dim]` float32 rows of length 1."""
    parts = [
        encoder.encode_texts(texts[start : start + _TEXT_BATCH])
        for start in range(0, len(texts), _TEXT_BATCH)
    ]
    return np.concatenate([np.empty((0, encoder.spec.dim), np.float32), *parts])
