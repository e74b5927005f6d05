"""Answers about the service itself, and the body of every error."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field
from pydantic.dataclasses import dataclass

from indexer.index import index_kind, index_recall
from indexer.search import Engine, SearchMode
from search_api.client import EmbedResult, IndexInfo

__all__ = ["EmbedResponse", "ErrorResponse", "HealthResponse", "IndexResponse"]


@dataclass(frozen=True)
class IndexResponse(IndexInfo):
    """The index that is served."""

    modes: tuple[SearchMode, ...] = Field(
        examples=[["vector", "keyword", "hybrid"]],
        description="Search modes that the index supports; one of an older version has no "
        "keywords.",
    )

    @classmethod
    def of(cls, engine: Engine) -> Self:
        """Describe an engine's index."""
        manifest = engine.index.manifest
        return cls(
            generation=manifest.generation,
            created=manifest.created,
            catalog=manifest.catalog,
            products=manifest.products,
            images=manifest.images,
            model=manifest.encoder.name,
            runtime=engine.encoder.spec.runtime,
            precision=engine.encoder.spec.precision,
            fingerprint=manifest.encoder.fingerprint,
            dim=manifest.encoder.dim,
            kind=index_kind(manifest),
            recall=index_recall(manifest),
            fields=manifest.columns,
            modes=tuple(SearchMode) if engine.index.has_keywords else (SearchMode.VECTOR,),
        )


@dataclass(frozen=True)
class EmbedResponse(EmbedResult):
    """The vectors of texts and images."""


class HealthResponse(BaseModel):
    """The service's state."""

    status: str = Field(examples=["ok"])
    problem: str | None = Field(
        default=None,
        description="What is wrong while the status is `degraded`.",
        examples=[
            "Generation 7 is damaged: a file was changed. Generation 6 is served in its place."
        ],
    )
    generation: int | None = Field(
        default=None, description="The generation that is served meanwhile.", examples=[6]
    )


class ErrorResponse(BaseModel):
    """What is wrong, and what to do about it."""

    code: str = Field(examples=["broken_image"])
    message: str = Field(examples=["The image is cut short; upload it again."])
    request_id: str = Field(examples=["4f1c2a9be0d34c7a"])
