"""What commands open and write: models, indexes, images, pages, and where a model computes."""

from __future__ import annotations

from search_api.cli.opening.compute import ComputeArguments
from search_api.cli.opening.loading import (
    DeferredEncoder,
    load_encoder,
    open_deferred,
    open_engine,
    read_image,
)
from search_api.cli.opening.pages import check_output, write_page

__all__ = [
    "ComputeArguments",
    "DeferredEncoder",
    "check_output",
    "load_encoder",
    "open_deferred",
    "open_engine",
    "read_image",
    "write_page",
]
