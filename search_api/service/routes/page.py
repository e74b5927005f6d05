"""The web page."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from search_api.service.routes.route import Route

__all__ = ["PageRoutes"]

_PAGE = Path(__file__).parents[1] / "web"


class PageRoutes:
    """The page and the files that it loads."""

    def table(self) -> list[Route]:
        """The routes."""
        return [Route("GET", "/", self.page, {"include_in_schema": False})]

    def mount(self, app: FastAPI) -> None:
        """Serve the files."""
        app.mount("/static", StaticFiles(directory=_PAGE), name="static")

    async def page(self) -> FileResponse:
        """The web page."""
        return FileResponse(_PAGE / "index.html")
