"""Routes for those who run the service: what is served, how it fares, whether it is ready."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from search_api.service.middleware import CONTENT_TYPE, Metrics, error_response, request_id_of
from search_api.service.routes.route import Route
from search_api.service.schemas import ErrorResponse, HealthResponse, IndexResponse
from search_api.service.serving import Answering

__all__ = ["OperationRoutes"]


class OperationRoutes:
    """What the service tells of itself.

    Args:
        answering: Knows the index, and whether the model answers.
        metrics: The figures for Prometheus.
    """

    def __init__(self, answering: Answering, metrics: Metrics) -> None:
        self._answering = answering
        self._metrics = metrics

    def table(self) -> list[Route]:
        """The routes."""
        figures = {200: {"content": {"text/plain": {}}, "description": "For Prometheus"}}
        unready = {503: {"model": ErrorResponse, "description": "Not ready"}}
        return [
            Route("GET", "/v1/index", self.index, {"response_model": IndexResponse}),
            Route("GET", "/metrics", self.metrics,
                  {"response_class": Response, "responses": figures}),
            Route("GET", "/healthz", self.healthz, {"response_model": HealthResponse}),
            Route("GET", "/readyz", self.readyz,
                  {"response_model": HealthResponse, "responses": unready}),
        ]  # fmt: skip

    async def index(self) -> IndexResponse:
        """What is served: generation, counts, model, fields."""
        return IndexResponse.of(self._answering.engine)

    async def metrics(self) -> Response:
        """Counts and times, in the Prometheus text format."""
        return Response(self._metrics.exposed(), headers={"Content-Type": CONTENT_TYPE})

    async def healthz(self) -> HealthResponse:
        """The process is alive."""
        return HealthResponse(status="ok")

    async def readyz(self, request: Request) -> Response:
        """The index is open, and a real query was just embedded and answered."""
        try:
            await self._answering.check()
        except Exception:
            message = "The model or the index does not answer."
            return error_response(503, "not_ready", message, request_id_of(request.scope))
        return JSONResponse({"status": "ready"})
