"""Lookalike's public names, from one place: `from lookalike import Index, build_index, Client`.

- Index: `build_index`, `BuildOptions`, `Index`.
- Search: `Engine`; a `Query` of `TextPart`, `ImagePart` and `LikePart`; `SearchResult`.
- Models: `load_encoder`; `Encoder`, `EncoderSpec` and `Preprocess` for one of your own;
  `FakeEncoder` for tests.
- Tags: `Tagger`, `read_taxonomy`, `ZeroShotClassifier`.
- Images: `open_image`.
- HTTP: `Client`, `AsyncClient`; `create_app`, `Settings`.
- Errors: `LookalikeError`, the root of all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import LookalikeError, lazy_exports

if TYPE_CHECKING:
    from embeddings import (
        Encoder,
        EncoderSpec,
        FakeEncoder,
        Preprocess,
        ZeroShotClassifier,
        load_encoder,
    )
    from embeddings.images import open_image
    from indexer.build import BuildOptions, build_index
    from indexer.index import Index
    from indexer.search import Engine, ImagePart, LikePart, Query, SearchResult, TextPart
    from indexer.tagging import Tagger
    from indexer.tagging.taxonomy import read_taxonomy
    from search_api.client import AsyncClient, Client
    from search_api.service import Settings, create_app
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "embeddings": (
                "Encoder",
                "EncoderSpec",
                "FakeEncoder",
                "Preprocess",
                "ZeroShotClassifier",
                "load_encoder",
            ),
            "embeddings.images": ("open_image",),
            "indexer.build": ("BuildOptions", "build_index"),
            "indexer.index": ("Index",),
            "indexer.search": (
                "Engine",
                "ImagePart",
                "LikePart",
                "Query",
                "SearchResult",
                "TextPart",
            ),
            "indexer.tagging": ("Tagger",),
            "indexer.tagging.taxonomy": ("read_taxonomy",),
            "search_api.client": ("AsyncClient", "Client"),
            "search_api.service": ("Settings", "create_app"),
        },
    )

__all__ = [
    "AsyncClient",
    "BuildOptions",
    "Client",
    "Encoder",
    "EncoderSpec",
    "Engine",
    "FakeEncoder",
    "ImagePart",
    "Index",
    "LikePart",
    "LookalikeError",
    "Preprocess",
    "Query",
    "SearchResult",
    "Settings",
    "Tagger",
    "TextPart",
    "ZeroShotClassifier",
    "build_index",
    "create_app",
    "load_encoder",
    "open_image",
    "read_taxonomy",
]
