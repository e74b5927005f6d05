"""Bodies of the route that answers many searches at once."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema

from search_api.service.schemas.fields import RequestModel
from search_api.service.schemas.hits import SearchResponse
from search_api.service.schemas.tags import BatchError

__all__ = ["BatchRequest", "BatchResponse", "BatchResult"]

_MAX_QUERIES = 64

# Each query is validated by itself, so that an invalid one becomes its own result, whatever it is.
_AnyQuery = Annotated[
    Any,
    WithJsonSchema(
        {
            "anyOf": [
                {"$ref": "#/components/schemas/SearchRequest"},
                {"description": "Anything else is accepted, and gets an error of its own."},
            ]
        }
    ),
]


class BatchRequest(RequestModel):
    """Many searches, each with a search's fields; their images by URL or in base64."""

    queries: list[_AnyQuery] = Field(
        min_length=1, max_length=_MAX_QUERIES, examples=[[{"text": "red dress"}, {"like": ["7"]}]]
    )


class BatchResult(BaseModel):
    """The result of one query: an answer or an error."""

    status: int = Field(
        examples=[200], description="The status that the query would get in a request of its own."
    )
    answer: SearchResponse | None = Field(default=None, description="Null if the query failed.")
    error: BatchError | None = Field(default=None, description="Null if the query succeeded.")


class BatchResponse(BaseModel):
    """The result of each query."""

    results: list[BatchResult] = Field(description="In the order of the queries.")
    took_ms: float = Field(examples=[31.5])
