"""Page `/docs`: Swagger UI over `/openapi.json`; it loads nothing from other hosts."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from search_api.service.admission import CostClass
from search_api.service.routes.route import Route

__all__ = ["add_documentation"]

_PAGE = Path(__file__).parents[1] / "web" / "docs.html"


def add_documentation(app: FastAPI) -> None:
    """Add the page and its files, which the package fastapi-offline contains."""
    # Not imported, since only the package's files are used.
    package = find_spec("fastapi_offline")
    assert package is not None
    assert package.origin is not None

    async def documentation() -> FileResponse:
        return FileResponse(_PAGE)

    options = {"include_in_schema": False}
    Route("GET", "/docs", CostClass.OPEN, documentation, options).add_to(app)
    assets = StaticFiles(directory=Path(package.origin).parent / "static")
    app.mount("/docs/assets", assets, name="documentation")
