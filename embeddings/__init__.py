"""Pictures and text in, unit vectors out. Knows nothing of indexes, catalogs or HTTP."""

from __future__ import annotations

from embeddings.encoder import Encoder, EncoderSpec, FloatArray, PixelArray, encode_many_texts
from embeddings.errors import (
    BrokenImageError,
    BrokenModelError,
    ImageError,
    ImageTooLargeError,
    LookalikeError,
    ModelError,
    ModelUnavailableError,
    UnknownModelError,
    UnsafeWeightsError,
    UnsupportedImageError,
)
from embeddings.fake import FakeEncoder
from embeddings.heat_map import HeatMap, covered_pixels, heat_map, heat_of, heat_png
from embeddings.models import (
    COMPACT_FOLDER,
    DEFAULT_MODEL,
    MODELS,
    ModelName,
    ModelSource,
    ModelSpec,
    find_spec,
    parse_model_name,
    stronger_than,
)
from embeddings.preprocess import Preprocess, ResizeMode
from embeddings.zero_shot import DEFAULT_TEMPLATES, Tag, ZeroShotClassifier

__all__ = [
    "COMPACT_FOLDER",
    "DEFAULT_MODEL",
    "DEFAULT_TEMPLATES",
    "MODELS",
    "BrokenImageError",
    "BrokenModelError",
    "Encoder",
    "EncoderSpec",
    "FakeEncoder",
    "FloatArray",
    "HeatMap",
    "ImageError",
    "ImageTooLargeError",
    "LookalikeError",
    "ModelError",
    "ModelName",
    "ModelSource",
    "ModelSpec",
    "ModelUnavailableError",
    "PixelArray",
    "Preprocess",
    "ResizeMode",
    "Tag",
    "UnknownModelError",
    "UnsafeWeightsError",
    "UnsupportedImageError",
    "ZeroShotClassifier",
    "covered_pixels",
    "encode_many_texts",
    "find_spec",
    "heat_map",
    "heat_of",
    "heat_png",
    "parse_model_name",
    "stronger_than",
]
