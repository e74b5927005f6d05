"""Answers about the service itself, and the body of every error."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field

from indexer.index import index_kind, index_recall
from indexer.search import Engine, SearchMode

__all__ = ["ErrorResponse", "HealthResponse", "IndexResponse"]


class IndexResponse(BaseModel):
    """The index that is served."""

    generation: int = Field(examples=[7])
    created: str = Field(examples=["2026-11-23T20:15:00+00:00"])
    catalog: str = Field(examples=["catalog.csv"])
    products: int = Field(examples=[9000])
    images: int = Field(examples=[9000])
    model: str = Field(examples=["compact"])
    fingerprint: str = Field(examples=["0f3a…"])
    dim: int = Field(examples=[256])
    kind: str = Field(examples=["flat"])
    recall: dict[str, float] = Field(
        description="Recall@10 against exact search by kind of query, measured at build time.",
        examples=[{"image": 0.991, "text": 0.984}],
    )
    fields: dict[str, str] = Field(
        examples=[{"title": "text", "price": "float"}],
        description="Fields that filters can use, with their types.",
    )
    modes: list[SearchMode] = Field(
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
            fingerprint=manifest.encoder.fingerprint,
            dim=manifest.encoder.dim,
            kind=index_kind(manifest),
            recall=index_recall(manifest),
            fields=manifest.columns,
            modes=list(SearchMode) if engine.index.has_keywords else [SearchMode.VECTOR],
        )


class HealthResponse(BaseModel):
    """The service's state."""

    status: str = Field(examples=["ok"])


class ErrorResponse(BaseModel):
    """What is wrong, and what to do about it."""

    code: str = Field(examples=["broken_image"])
    message: str = Field(examples=["The picture is cut short; upload it again."])
    request_id: str = Field(examples=["4f1c2a9be0d34c7a"])
