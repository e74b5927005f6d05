"""Routes of the web page and its files."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from search_api.service.admission import CostClass
from search_api.service.routes.route import Route

__all__ = ["PageRoutes"]

_PAGE = Path(__file__).parents[1] / "web"


class PageRoutes:
    """The web page."""

    def table(self) -> list[Route]:
        """Return the routes."""
        return [Route("GET", "/", CostClass.OPEN, self.page, {"include_in_schema": False})]

    def mount(self, app: FastAPI) -> None:
        """Serve the files that the page loads."""
        app.mount("/static", StaticFiles(directory=_PAGE), name="static")

    async def page(self) -> FileResponse:
        """Return the page."""
        return FileResponse(_PAGE / "index.html")
