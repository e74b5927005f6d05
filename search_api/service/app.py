"""Application factory: the HTTP service made of an engine and settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, Protocol

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from embeddings import LookalikeError
from indexer.search import Engine
from search_api.service.admission import BodyBudget, CostTable
from search_api.service.errors import (
    ServeError,
    UnavailableError,
    describe,
    is_unexpected,
    status_of,
)
from search_api.service.middleware import (
    Metrics,
    add_middleware,
    document_keys,
    error_response,
    request_id_of,
)
from search_api.service.requests import ImageUrls, QueryImages
from search_api.service.requests.writing import ItemImages, PatchItemRequest, PutItemRequest, Writer
from search_api.service.routes import (
    BatchRoutes,
    HeatRoutes,
    ItemRoutes,
    OperationRoutes,
    PageRoutes,
    Route,
    SearchRoutes,
    TagRoutes,
    VisionRoutes,
    WriteRoutes,
    add_documentation,
    allowed_methods,
)
from search_api.service.schemas import (
    BatchRequest,
    EmbedRequest,
    ErrorResponse,
    LookRequest,
    ModerateRequest,
    RecommendRequest,
    SearchRequest,
    TagsRequest,
    describe_served,
)
from search_api.service.serving import Answering, service_lifespan
from search_api.service.settings import Settings

__all__ = ["create_app"]

# Codes of errors that the framework raises.
_FRAMEWORK_CODES = {404: "not_found", 405: "method_not_allowed"}

# Error answers of every route, for the documentation.
_ERRORS = (
    (400, "The request is malformed"),
    (408, "The request arrives too slowly"),
    (413, "The request is too large"),
    (422, "A field or an image is invalid"),
    (431, "The head of the request is too large"),
    (503, "The service can't answer now; see Retry-After"),
    (504, "The request took too long"),
    (507, "There is no disk space for an upload now"),
)


def create_app(engine: Engine, settings: Settings) -> FastAPI:
    """Make the service over one engine.

    Args:
        engine: Answers the queries.
        settings: Limits and concurrency.

    Raises:
        ServeError: The settings' API keys can't be used, or there are none for writes.
        TaxonomyError: A taxonomy file of the settings is invalid.
    """
    metrics = Metrics()
    answering = Answering(engine, settings, metrics)
    metrics.watch(answering.engine)
    writing = _Writing.of(answering, settings)
    app = FastAPI(
        lifespan=lambda _: _lifespan(answering, settings, metrics, writing),
        redirect_slashes=False,  # the redirect's address would be made of the Host header
        title="Lookalike",
        summary="Visual similarity search for product catalogs",
        version="1",
        docs_url=None,
        redoc_url=None,
        responses={
            status: {"model": ErrorResponse, "description": meaning} for status, meaning in _ERRORS
        },
    )
    urls = ImageUrls(settings)
    images = QueryImages(answering, urls)
    page = PageRoutes()
    subjects: tuple[_Subject, ...] = (
        page,
        SearchRoutes(answering, images),
        BatchRoutes(answering, images),
        TagRoutes(answering, urls),
        VisionRoutes(answering, urls),
        HeatRoutes(answering, images),
        ItemRoutes(answering),
        OperationRoutes(answering, metrics),
        *_write_routes(answering, urls, writing),
    )
    app.state.bodies = BodyBudget(
        settings.bodies_memory, settings.bodies_disk, settings.deadline_seconds
    )
    costs = CostTable()
    add_middleware(app, settings, metrics, answering.door, costs)
    for kind, handler in _HANDLERS:
        app.add_exception_handler(kind, handler)
    for subject in subjects:
        for route in subject.table():
            route.add_to(app)
            costs.add(route.method, route.path, route.cost, route.scope)
    app.openapi = lambda: _openapi(app, settings, answering)  # type: ignore[method-assign]
    add_documentation(app)
    page.mount(app)
    return app


class _Subject(Protocol):
    """Routes of one subject."""

    def table(self) -> list[Route]: ...


@dataclass(frozen=True)
class _Writing:
    """What takes writes, where the settings allow them."""

    writer: Writer
    images: ItemImages

    @classmethod
    def of(cls, answering: Answering, settings: Settings) -> _Writing | None:
        """Make it, if products may be written.

        Raises:
            ServeError: Anybody could write, or there is no index folder.
        """
        if not settings.writable:
            return None
        if not settings.has_keys:
            raise ServeError(
                "A service that takes writes needs API keys, or anybody could change products. "
                "Make one with `lookalike keys create NAME --scope read --scope write --file "
                "FILE`, and name the file in LOOKALIKE_API_KEYS_FILE."
            )
        path = answering.engine.path
        if path is None:
            raise ServeError("An index without a folder can't be written.")
        return cls(Writer(answering.engine, path), ItemImages(answering, settings))


def _write_routes(
    answering: Answering, urls: ImageUrls, writing: _Writing | None
) -> tuple[WriteRoutes, ...]:
    if writing is None:
        return ()
    return (WriteRoutes(answering, urls, writing.images, writing.writer),)


@asynccontextmanager
async def _lifespan(
    answering: Answering, settings: Settings, metrics: Metrics, writing: _Writing | None
) -> AsyncIterator[Mapping[str, Any]]:
    """Take writes while the service runs, where they are allowed."""
    async with service_lifespan(answering, settings, metrics) as state:
        if writing is None:
            yield state
            return
        await asyncio.to_thread(writing.writer.start)
        try:
            yield state
        finally:
            await asyncio.to_thread(writing.writer.close)
            writing.images.close()


def _openapi(app: FastAPI, settings: Settings, answering: Answering) -> dict[str, Any]:
    """Return FastAPI's document, with the bodies that `read_body` reads."""
    document = FastAPI.openapi(app)
    models: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (SearchRequest, "validation"),
        (TagsRequest, "validation"),
        (RecommendRequest, "validation"),
        (EmbedRequest, "validation"),
        (BatchRequest, "validation"),
        (LookRequest, "validation"),
        (ModerateRequest, "validation"),
    ]
    if settings.writable:
        models += [(PutItemRequest, "validation"), (PatchItemRequest, "validation")]
    _, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    document["components"]["schemas"].update(definitions["$defs"])
    fields = answering.engine.index.manifest.columns
    describe_served(document, fields, fetches_urls=settings.fetches_urls)
    if settings.root_path:
        document["servers"] = [{"url": settings.root_path}]
    document_keys(document, settings)
    return document


async def _on_lookalike_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LookalikeError)
    if is_unexpected(error):
        raise error
    response = error_response(
        status_of(error), error.code, error.message, request_id_of(request.scope)
    )
    if isinstance(error, UnavailableError) and error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    message = describe(error.errors())
    return error_response(422, "invalid_request", message, request_id_of(request.scope))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = error.status_code
    code = _FRAMEWORK_CODES.get(status, "bad_request")
    response = error_response(status, code, f"{error.detail}.", request_id_of(request.scope))
    response.headers.update(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        response.headers["Allow"] = allowed_methods(request)
    return response


_HANDLERS = (
    (LookalikeError, _on_lookalike_error),
    (RequestValidationError, _on_validation_error),
    (HTTPException, _on_http_error),
)
