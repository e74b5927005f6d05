"""Embedding models: images and texts in, unit vectors out; safe image decoding; zero-shot tags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings.errors import (
    BrokenImageError,
    BrokenModelError,
    BufferedImageError,
    ImageError,
    ImageTooLargeError,
    LookalikeError,
    ModelError,
    ModelUnavailableError,
    PictureRefusedError,
    UnknownModelError,
    UnsafeWeightsError,
    UnsupportedImageError,
    VisionUnavailableError,
)
from embeddings.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from embeddings.encoder import (
        Encoder,
        EncoderSpec,
        FeatureEncoder,
        FloatArray,
        PixelArray,
        encode_image_rows,
        encode_many_texts,
    )
    from embeddings.fake import FakeEncoder
    from embeddings.heat_map import (
        HeatMap,
        compute_heat_map,
        heat_map_from_cosines,
        heat_map_png,
        occluded_pixels,
    )
    from embeddings.loading import export_model, load_encoder
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
else:
    # numpy and Pillow load with the first name that needs them: the HTTP client needs neither.
    __getattr__ = lazy_exports(
        __name__,
        {
            "embeddings.encoder": (
                "Encoder",
                "EncoderSpec",
                "FeatureEncoder",
                "FloatArray",
                "PixelArray",
                "encode_image_rows",
                "encode_many_texts",
            ),
            "embeddings.fake": ("FakeEncoder",),
            "embeddings.heat_map": (
                "HeatMap",
                "compute_heat_map",
                "heat_map_from_cosines",
                "heat_map_png",
                "occluded_pixels",
            ),
            "embeddings.loading": ("export_model", "load_encoder"),
            "embeddings.models": (
                "COMPACT_FOLDER",
                "DEFAULT_MODEL",
                "MODELS",
                "ModelName",
                "ModelSource",
                "ModelSpec",
                "find_spec",
                "parse_model_name",
                "stronger_than",
            ),
            "embeddings.preprocess": (
                "Preprocess",
                "ResizeMode",
            ),
            "embeddings.zero_shot": (
                "DEFAULT_TEMPLATES",
                "Tag",
                "ZeroShotClassifier",
            ),
        },
    )

__all__ = [
    "COMPACT_FOLDER",
    "DEFAULT_MODEL",
    "DEFAULT_TEMPLATES",
    "MODELS",
    "BrokenImageError",
    "BrokenModelError",
    "BufferedImageError",
    "Encoder",
    "EncoderSpec",
    "FakeEncoder",
    "FeatureEncoder",
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
    "PictureRefusedError",
    "PixelArray",
    "Preprocess",
    "ResizeMode",
    "Tag",
    "UnknownModelError",
    "UnsafeWeightsError",
    "UnsupportedImageError",
    "VisionUnavailableError",
    "ZeroShotClassifier",
    "compute_heat_map",
    "encode_image_rows",
    "encode_many_texts",
    "export_model",
    "find_spec",
    "heat_map_from_cosines",
    "heat_map_png",
    "lazy_exports",
    "load_encoder",
    "occluded_pixels",
    "parse_model_name",
    "stronger_than",
]
