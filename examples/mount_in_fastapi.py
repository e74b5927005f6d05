"""Mount the service in a FastAPI app of your own.

    python examples/mount_in_fastapi.py my-index

The app has a route of its own, /offers; everything else is answered by Lookalike: the page at /,
the API under /v1, its documentation at /docs.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from lookalike import Engine, Query, Settings, TextPart, create_app, load_encoder


def create_shop(engine: Engine) -> FastAPI:
    """Return an app with one route of its own and the service behind it."""
    service = create_app(engine, Settings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # A mounted app has no lifespan of its own: without this, the service would not warm up.
        async with service.router.lifespan_context(service):
            yield

    shop = FastAPI(title="Shop", lifespan=lifespan)

    @shop.get("/offers")
    def offers(text: str, below: float) -> list[str]:
        """Ids of products that fit a text and cost less than a price."""
        engine.refresh()  # the service moves to new generations by itself, this engine here
        query = Query(parts=(TextPart(text),), k=10, filter={"price": {"lt": below}})
        return [hit.id for hit in engine.search(query).hits]

    # Last, since it answers every path that is left. Image paths in answers begin with /v1.
    shop.mount("/", service)
    return shop


def main(index: Path) -> None:
    """Open the index and serve."""
    uvicorn.run(create_shop(Engine.open(index, load_encoder("compact"))))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
