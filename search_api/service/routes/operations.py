"""Routes for operators: the index that is served, metrics, health and readiness."""

from __future__ import annotations

from anyio import to_thread
from fastapi import Request
from fastapi.responses import JSONResponse, Response

from search_api.service.admission import CostClass, SharedAnswer
from search_api.service.middleware import CONTENT_TYPE, Metrics, error_response, request_id_of
from search_api.service.routes.route import Route
from search_api.service.schemas import ErrorResponse, HealthResponse, IndexResponse
from search_api.service.serving import Answering

__all__ = ["OperationRoutes"]

_EXPOSITIONS_A_SECOND = 10


class OperationRoutes:
    """Facts about the service.

    Args:
        answering: Gives the index, and checks the model.
        metrics: The metrics for Prometheus.
    """

    def __init__(self, answering: Answering, metrics: Metrics) -> None:
        self._answering = answering
        self._metrics = metrics
        # However many ask, it takes a bounded part of one thread.
        self._exposition = SharedAnswer(
            lambda: to_thread.run_sync(metrics.exposition), anew=_EXPOSITIONS_A_SECOND
        )

    def table(self) -> list[Route]:
        """Return the routes."""
        exposition = {200: {"content": {"text/plain": {}}, "description": "For Prometheus"}}
        unready = {503: {"model": ErrorResponse, "description": "Not ready"}}
        return [
            Route("GET", "/v1/index", CostClass.FACT, self.index,
                  {"response_model": IndexResponse}),
            Route("GET", "/metrics", CostClass.OPEN, self.metrics,
                  {"response_class": Response, "responses": exposition}),
            Route("GET", "/healthz", CostClass.OPEN, self.healthz,
                  {"response_model": HealthResponse, "response_model_exclude_none": True}),
            Route("GET", "/readyz", CostClass.OPEN, self.readyz,
                  {"response_model": HealthResponse, "responses": unready}),
        ]  # fmt: skip

    async def index(self) -> IndexResponse:
        """Describe the index that is served: generation, counts, model, fields."""
        return IndexResponse.of(self._answering.engine)

    async def metrics(self) -> Response:
        """Return counts and times in the Prometheus text format."""
        return Response(await self._exposition.get(), headers={"Content-Type": CONTENT_TYPE})

    async def healthz(self) -> HealthResponse:
        """Tell that the process is alive."""
        return HealthResponse(status="ok")

    async def readyz(self, request: Request) -> Response:
        """Check readiness: the index is open, and a query was just embedded and answered.

        Callers share the query, which is at most a second old. While files of the live generation
        are damaged and another one is served in its place, the status is `degraded`.
        """
        try:
            await self._answering.check()
        except Exception:  # noqa: BLE001 (whatever the cause, the service is not ready)
            message = "The model or the index does not answer."
            return error_response(503, "not_ready", message, request_id_of(request.scope))
        damage = self._answering.engine.damage
        if damage is None:
            return JSONResponse({"status": "ready"})
        served = self._answering.engine.served.generation
        degraded = HealthResponse(
            status="degraded",
            problem=f"Generation {damage.generation} is damaged: {damage.problem} "
            + (
                f"Generation {served} is served in its place."
                if served != damage.generation
                else "It is served from memory, until the service restarts."
            ),
            generation=served,
        )
        return JSONResponse(degraded.model_dump(exclude_none=True))
