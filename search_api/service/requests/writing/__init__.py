"""Writing of products over HTTP: their pictures embedded, logged in groups, published at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from embeddings import lazy_exports

if TYPE_CHECKING:
    from search_api.service.requests.writing.item_images import ItemImages
    from search_api.service.requests.writing.schemas import (
        PatchItemRequest,
        PutItemRequest,
        WriteResponse,
    )
    from search_api.service.requests.writing.writer import Writer
else:
    # Decoding processes import the decoding alone.
    __getattr__ = lazy_exports(
        __name__,
        {
            "search_api.service.requests.writing.item_images": ("ItemImages",),
            "search_api.service.requests.writing.schemas": (
                "PatchItemRequest",
                "PutItemRequest",
                "WriteResponse",
            ),
            "search_api.service.requests.writing.writer": ("Writer",),
        },
    )

__all__ = ["ItemImages", "PatchItemRequest", "PutItemRequest", "WriteResponse", "Writer"]
