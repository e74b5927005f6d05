"""`/docs`: Swagger UI over `/openapi.json`, with nothing fetched from anywhere else."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

__all__ = ["add_documentation"]

_PAGE = Path(__file__).parents[1] / "web" / "docs.html"


def add_documentation(app: FastAPI) -> None:
    """Add the page and the files it needs, which the package fastapi-offline brings along."""
    # Found, not imported: of the package nothing but its files is used.
    found = find_spec("fastapi_offline")
    assert found is not None
    assert found.origin is not None

    async def documentation() -> FileResponse:
        return FileResponse(_PAGE)

    app.add_api_route("/docs", documentation, include_in_schema=False)
    assets = StaticFiles(directory=Path(found.origin).parent / "static")
    app.mount("/docs/assets", assets, name="documentation")
