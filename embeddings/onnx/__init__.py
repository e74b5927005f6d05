"""Models as ONNX files, run without torch by OpenVINO or ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from embeddings.onnx.cache import cache_folder
    from embeddings.onnx.converted import (
        conversion_lock,
        converted_folder,
        find_conversion,
        remember_conversion,
    )
    from embeddings.onnx.encoder import OnnxEncoder
    from embeddings.onnx.folder import IMAGE_TOWER, TEXT_TOWER, ModelFolder, TokenizerConfig
    from embeddings.onnx.loading import load_folder
    from embeddings.onnx.machine import machine_key, processors
    from embeddings.onnx.probes import PROBE_TEXTS, keeps_vectors, probe_images
    from embeddings.onnx.runtimes import RUNTIMES, Tower, installed_runtimes
    from embeddings.onnx.tokenizer import CLEANERS, make_tokenizer
    from embeddings.onnx.tuning import Choice, choose, remembered
    from embeddings.onnx.verified import sha256_of
else:
    # A command imports only what it uses.
    __getattr__ = lazy_exports(
        __name__,
        {
            "embeddings.onnx.cache": ("cache_folder",),
            "embeddings.onnx.converted": (
                "conversion_lock",
                "converted_folder",
                "find_conversion",
                "remember_conversion",
            ),
            "embeddings.onnx.encoder": ("OnnxEncoder",),
            "embeddings.onnx.folder": (
                "IMAGE_TOWER",
                "TEXT_TOWER",
                "ModelFolder",
                "TokenizerConfig",
            ),
            "embeddings.onnx.loading": ("load_folder",),
            "embeddings.onnx.machine": ("machine_key", "processors"),
            "embeddings.onnx.probes": (
                "PROBE_TEXTS",
                "keeps_vectors",
                "probe_images",
            ),
            "embeddings.onnx.runtimes": (
                "RUNTIMES",
                "Tower",
                "installed_runtimes",
            ),
            "embeddings.onnx.tokenizer": (
                "CLEANERS",
                "make_tokenizer",
            ),
            "embeddings.onnx.tuning": ("Choice", "choose", "remembered"),
            "embeddings.onnx.verified": ("sha256_of",),
        },
    )

__all__ = [
    "CLEANERS",
    "IMAGE_TOWER",
    "PROBE_TEXTS",
    "RUNTIMES",
    "TEXT_TOWER",
    "Choice",
    "ModelFolder",
    "OnnxEncoder",
    "TokenizerConfig",
    "Tower",
    "cache_folder",
    "choose",
    "conversion_lock",
    "converted_folder",
    "find_conversion",
    "installed_runtimes",
    "keeps_vectors",
    "load_folder",
    "machine_key",
    "make_tokenizer",
    "probe_images",
    "processors",
    "remember_conversion",
    "remembered",
    "sha256_of",
]
