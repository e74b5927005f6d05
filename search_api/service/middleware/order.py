"""Order of the middleware that every request passes."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from search_api.service.admission import CostTable, Door
from search_api.service.admission.keys import KeyRing, KeySource
from search_api.service.middleware.access import AccessMiddleware
from search_api.service.middleware.admission import AdmissionMiddleware
from search_api.service.middleware.metrics import Metrics
from search_api.service.middleware.request import RequestMiddleware, UnexpectedErrorMiddleware
from search_api.service.settings import Settings

__all__ = ["add_middleware"]

_PREFLIGHT_SECONDS = 3600  # for which a browser may remember an answer of CORS


def add_middleware(
    app: FastAPI, settings: Settings, metrics: Metrics, door: Door, costs: CostTable
) -> None:
    """Add all middleware to an application.

    From the outside: request ids, headers, the access log and the body limit; CORS, so that pages
    of other origins can read refusals too; unexpected errors; keys and rate limits; admission
    control. An answer passes all middleware outside of the one that gave it.

    Raises:
        ServeError: The settings' keys can't be used.
    """
    # Read here, since the framework makes middleware as late as at the first request.
    keys = KeyRing(KeySource(settings.api_keys.get_secret_value(), settings.api_keys_file))
    app.add_middleware(AdmissionMiddleware, door=door)
    app.add_middleware(AccessMiddleware, keys=keys, settings=settings, costs=costs)
    app.add_middleware(UnexpectedErrorMiddleware)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[
                "Authorization",
                "Content-Type",
                "Idempotency-Key",
                "X-API-Key",
                "X-Request-Id",
            ],
            expose_headers=["Retry-After", "X-Request-Id"],
            max_age=_PREFLIGHT_SECONDS,
        )
    app.add_middleware(RequestMiddleware, settings=settings, metrics=metrics)
