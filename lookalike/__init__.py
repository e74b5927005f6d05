"""Lookalike's public names, from one place: `from lookalike import Index, build_index, Client`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import LookalikeError, lazy_exports

if TYPE_CHECKING:
    from embeddings import Encoder, FakeEncoder, ZeroShotClassifier, load_encoder
    from indexer.build import BuildOptions, build_index
    from indexer.index import Index
    from indexer.search import Engine, ImagePart, LikePart, Query, SearchResult, TextPart
    from search_api.client import AsyncClient, Client
    from search_api.service import Settings, create_app
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "embeddings": ("Encoder", "FakeEncoder", "ZeroShotClassifier", "load_encoder"),
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
            "search_api.client": ("AsyncClient", "Client"),
            "search_api.service": ("Settings", "create_app"),
        },
    )

__all__ = [
    "AsyncClient",
    "BuildOptions",
    "Client",
    "Encoder",
    "Engine",
    "FakeEncoder",
    "ImagePart",
    "Index",
    "LikePart",
    "LookalikeError",
    "Query",
    "SearchResult",
    "Settings",
    "TextPart",
    "ZeroShotClassifier",
    "build_index",
    "create_app",
    "load_encoder",
]
