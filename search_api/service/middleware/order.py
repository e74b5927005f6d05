"""What stands before the routes: the layers that every request passes, in one order."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from search_api.service.middleware.access import AccessMiddleware
from search_api.service.middleware.admission import DoorMiddleware, Room
from search_api.service.middleware.keys import KeyRing, read_keys
from search_api.service.middleware.metrics import Metrics
from search_api.service.middleware.request import LastResort, RequestMiddleware
from search_api.service.settings import Settings

__all__ = ["add_middleware"]


def add_middleware(app: FastAPI, settings: Settings, metrics: Metrics, room: Room) -> None:
    """Put the layers before an application; every answer, of whichever layer, passes those outside.

    From the outside: ids, headers, the log and the body limit; CORS, so that a page elsewhere can
    read refusals too; errors that nobody expected; keys and rate limits; the door.

    Raises:
        ServeError: The settings' keys can't be used.
    """
    # Read here: the framework makes the layers themselves as late as at the first request.
    keys = KeyRing(read_keys(settings.api_keys.get_secret_value(), settings.api_keys_file))
    app.add_middleware(DoorMiddleware, room=room)
    app.add_middleware(AccessMiddleware, keys=keys, settings=settings)
    app.add_middleware(LastResort)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-Id"],
            expose_headers=["Retry-After", "X-Request-Id"],
            max_age=3600,
        )
    app.add_middleware(RequestMiddleware, settings=settings, metrics=metrics)
