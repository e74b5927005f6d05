"""`create_app`: the HTTP service as a value made of an engine and settings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request
from fastapi import Path as PathParameter
from fastapi import Query as QueryParameter
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from PIL import Image
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from embeddings.errors import LookalikeError
from indexer.engine import Engine
from indexer.errors import UnknownProductError
from indexer.query import KEYWORD_WEIGHT, LikePart, Query, SearchMode, SearchResult, TextPart
from search_api.access import document_keys
from search_api.answering import Answering
from search_api.documentation import add_documentation
from search_api.errors import InvalidRequestError, UnavailableError, describe, status_of
from search_api.metrics import CONTENT_TYPE, Metrics
from search_api.middleware import error_response, request_id_of
from search_api.picture_urls import PictureUrls
from search_api.requests import (
    body_schema,
    given_pictures,
    only_picture,
    picture_urls,
    read_body,
    read_json,
    to_query,
)
from search_api.schemas import (
    MAX_K,
    MAX_OFFSET,
    ErrorResponse,
    HealthResponse,
    IndexResponse,
    ItemResponse,
    RecommendRequest,
    SearchRequest,
    SearchResponse,
    TagResponse,
    TagsRequest,
    TagsResponse,
    Text,
)
from search_api.serving.attendance import attended
from search_api.serving.life import alive
from search_api.settings import Settings
from search_api.stack import add_middleware
from search_api.trace import current_trace

__all__ = ["create_app"]

_PAGE = Path(__file__).parent / "page"

_OBJECT = TypeAdapter(dict[str, Any])

# Codes of errors that the framework raises by itself.
_FRAMEWORK_CODES = {404: "not_found", 405: "method_not_allowed"}


def create_app(engine: Engine, settings: Settings) -> FastAPI:
    """The service over one engine.

    Args:
        engine: Answers the queries.
        settings: Limits and concurrency.
    """
    metrics = Metrics()
    answering = Answering(engine, settings, metrics)
    metrics.watch(answering.engine)
    app = FastAPI(
        lifespan=lambda app: alive(answering, settings.drain_seconds),
        title="Lookalike",
        summary="Visual similarity search for product catalogs",
        version="1",
        docs_url=None,
        redoc_url=None,
        responses={
            status: {"model": ErrorResponse, "description": meaning}
            for status, meaning in (
                (400, "The request can't be read"),
                (413, "The request is too large"),
                (422, "A field or a picture can't be used"),
            )
        },
    )
    service = _Service(answering, settings, metrics)
    add_middleware(app, settings, metrics)
    for kind, handler in _HANDLERS:
        app.add_exception_handler(kind, handler)
    for method, path, endpoint, options in service.routes():
        app.add_api_route(path, endpoint, methods=[method], **options)
    app.openapi = lambda: _openapi(app, settings)  # type: ignore[method-assign]
    add_documentation(app)
    app.mount("/static", StaticFiles(directory=_PAGE), name="static")
    return app


class _Service:
    """The routes' functions; work runs on threads, the event loop only moves bytes."""

    def __init__(self, answering: Answering, settings: Settings, metrics: Metrics) -> None:
        self._answering = answering
        self._engine = answering.engine
        self._metrics = metrics
        self._urls = PictureUrls(settings)

    def routes(self) -> list[tuple[str, str, Callable[..., Any], dict[str, Any]]]:
        """Method, path, function and documentation of every route."""
        unsupported = {
            415: {"model": ErrorResponse, "description": "Not a picture we read"},
            504: {"model": ErrorResponse, "description": "A picture's URL answers too slowly"},
        }
        missing = {404: {"model": ErrorResponse, "description": "No such product or picture"}}
        figures = {200: {"content": {"text/plain": {}}, "description": "For Prometheus"}}
        webp = {200: {"content": {"image/webp": {}}, "description": "A WebP thumbnail"}}
        search, tags = body_schema(SearchRequest), body_schema(TagsRequest)
        recommend = body_schema(RecommendRequest, multipart=False)
        return [
            ("GET", "/", self.page, {"include_in_schema": False}),
            ("POST", "/v1/search", self.search,
             {"response_model": SearchResponse, "openapi_extra": search,
              "responses": unsupported | missing}),
            ("GET", "/v1/search", self.search_text, {"response_model": SearchResponse}),
            ("POST", "/v1/tags", self.tags,
             {"response_model": TagsResponse, "openapi_extra": tags, "responses": unsupported}),
            ("POST", "/v1/recommend", self.recommend,
             {"response_model": SearchResponse, "openapi_extra": recommend, "responses": missing}),
            ("GET", "/v1/items/{product_id:product_id}/image/{number:picture_number}",
             self.item_image, {"response_class": Response, "responses": webp | missing}),
            ("GET", "/v1/items/{product_id:product_id}/similar", self.similar,
             {"response_model": SearchResponse, "responses": missing}),
            ("GET", "/v1/items/{product_id:product_id}", self.item,
             {"response_model": ItemResponse, "responses": missing}),
            ("GET", "/v1/index", self.index, {"response_model": IndexResponse}),
            ("GET", "/metrics", self.metrics,
             {"response_class": Response, "responses": figures}),
            ("GET", "/healthz", self.healthz, {"response_model": HealthResponse}),
            ("GET", "/readyz", self.readyz,
             {"response_model": HealthResponse,
              "responses": {503: {"model": ErrorResponse, "description": "Not ready"}}}),
        ]  # fmt: skip

    async def page(self) -> FileResponse:
        """The web page."""
        return FileResponse(_PAGE / "index.html")

    async def search(self, request: Request) -> Response:
        """Search by text, picture, liked products and weighted parts.

        Send JSON, or multipart with a file part `image` and a part `query` holding the same JSON.
        """
        started = time.perf_counter()
        body = await read_body(request, SearchRequest)
        fetched = await self._urls.fetch(picture_urls(body.json))
        given = given_pictures(body, fetched)
        async with attended(request), self._answering.deadline():
            opened = await asyncio.gather(*map(self._answering.picture, given.values()))
            query = to_query(body.json, dict(zip(given, opened, strict=True)))
            return await self._found(query, started)

    async def search_text(
        self,
        request: Request,
        q: Annotated[Text, QueryParameter(description="The words.", examples=["red dress"])],
        k: Annotated[int, QueryParameter(ge=1, le=MAX_K, description="How many hits.")] = 20,
        offset: Annotated[
            int, QueryParameter(ge=0, le=MAX_OFFSET, description="How many hits to skip.")
        ] = 0,
        fields: Annotated[list[str] | None, QueryParameter(examples=[["title"]])] = None,
        mode: Annotated[
            SearchMode, QueryParameter(description="What decides about the order of hits.")
        ] = SearchMode.VECTOR,
        keyword_weight: Annotated[
            float, QueryParameter(ge=0, le=1, description="The words' share in hybrid mode.")
        ] = KEYWORD_WEIGHT,
        min_confidence: Annotated[
            float, QueryParameter(ge=0, le=1, description="Hits of less confidence are left out.")
        ] = 0.0,
    ) -> Response:
        """Search by text alone."""
        started = time.perf_counter()
        names = None if fields is None else tuple(fields)
        query = Query(
            parts=(TextPart(q),),
            k=k,
            offset=offset,
            fields=names,
            mode=mode,
            keyword_weight=keyword_weight,
            min_confidence=min_confidence,
        )
        async with attended(request), self._answering.deadline():
            return await self._found(query, started)

    async def tags(self, request: Request) -> TagsResponse:
        """Tag a picture with the caller's labels, of which one is taken to be true.

        Send JSON, or multipart with a file part `image` and a part `query` holding the same JSON.
        """
        started = time.perf_counter()
        body = await read_body(request, TagsRequest)
        fetched = await self._urls.fetch(picture_urls(body.json))

        given = only_picture(body, fetched)
        async with attended(request), self._answering.deadline():
            picture = await self._answering.picture(given)
            tags = await self._answering.tag(picture, body.json.labels, body.json.top)
        return TagsResponse(
            tags=[TagResponse.of(tag) for tag in tags],
            model=self._engine.encoder.spec.name,
            took_ms=round(1000 * (time.perf_counter() - started), 2),
        )

    async def item(
        self, product_id: Annotated[str, PathParameter(examples=["15970"])]
    ) -> ItemResponse:
        """One product, by its id."""
        return await self._answering.run(lambda: ItemResponse.of(self._engine.product(product_id)))

    async def similar(
        self,
        product_id: Annotated[str, PathParameter(examples=["15970"])],
        k: Annotated[int, QueryParameter(ge=1, le=MAX_K, description="How many hits.")] = 20,
        offset: Annotated[
            int, QueryParameter(ge=0, le=MAX_OFFSET, description="How many hits to skip.")
        ] = 0,
        fields: Annotated[list[str] | None, QueryParameter(examples=[["title"]])] = None,
        filter: Annotated[  # noqa: A002 (the parameter's name)
            str | None,
            QueryParameter(
                max_length=4096,
                examples=['{"price": {"lt": 50}}'],
                description="Conditions that every hit meets, as in a search; JSON.",
            ),
        ] = None,
        min_confidence: Annotated[
            float, QueryParameter(ge=0, le=1, description="Hits of less confidence are left out.")
        ] = 0.0,
        diversity: Annotated[float, QueryParameter(ge=0, le=1, description="As in a search.")] = 0,
    ) -> Response:
        """Products that look like one, nearest first; it is not among them."""
        started = time.perf_counter()
        query = Query(
            parts=(LikePart(product_id),),
            k=k,
            offset=offset,
            fields=None if fields is None else tuple(fields),
            filter=None if filter is None else _json_object("filter", filter),
            min_confidence=min_confidence,
            diversity=diversity,
        )
        return await self._found(query, started)

    async def recommend(self, request: Request) -> SearchResponse:
        """Products that go with several that are liked, and away from those that are not.

        Every liked product has a vote, so that several tastes are each served.
        """
        asked = await read_json(request, RecommendRequest)
        return await self._answering.run(
            lambda: SearchResponse.of(
                self._engine.recommend(
                    asked.liked,
                    asked.disliked,
                    asked.k,
                    asked.filter,
                    asked.fields,
                    asked.diversity,
                )
            )
        )

    async def item_image(
        self,
        product_id: Annotated[str, PathParameter(examples=["15970"])],
        number: Annotated[int, PathParameter(ge=0, le=10_000, description="From 0.")],
        size: Annotated[
            int | None, QueryParameter(ge=16, le=320, description="Longest side in pixels.")
        ] = None,
    ) -> Response:
        """A picture of a product, as a WebP thumbnail of at most 320 pixels."""
        content = await self._answering.run(lambda: self._thumbnail(product_id, number, size))
        # A generation's pictures never change, but the same path may show another one later.
        return Response(content, media_type="image/webp", headers={"Cache-Control": "max-age=300"})

    async def index(self) -> IndexResponse:
        """What is served: generation, counts, model, fields."""
        return IndexResponse.of(self._engine)

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

    def _thumbnail(self, product_id: str, number: int, size: int | None) -> bytes:
        content = self._engine.index.thumbnail(product_id, number)
        if not content:
            raise UnknownProductError("This index was built without thumbnails.")
        if size is None:
            return content
        image = Image.open(BytesIO(content), formats=["WEBP"])
        image.thumbnail((size, size))
        out = BytesIO()
        image.save(out, "WEBP", quality=80)
        return out.getvalue()

    async def _found(self, query: Query, started: float) -> Response:
        """A search's answer, written on the thread that searched: the loop only sends it."""

        def written(result: SearchResult) -> bytes:
            return SearchResponse.of(result).model_dump_json().encode()

        current_trace().texts.extend(p.text for p in query.parts if isinstance(p, TextPart))
        content = await self._answering.answer(query, written, started)
        return Response(content, media_type="application/json")


def _json_object(name: str, text: str) -> dict[str, Any]:
    try:
        return _OBJECT.validate_json(text)
    except ValidationError:
        raise InvalidRequestError(f"{name}: this is no JSON object.") from None


def _openapi(app: FastAPI, settings: Settings) -> dict[str, Any]:
    """The document that FastAPI makes, with the bodies that `read_body` reads."""
    document = FastAPI.openapi(app)
    models: list[tuple[type[BaseModel], Literal["validation"]]] = [
        (SearchRequest, "validation"),
        (TagsRequest, "validation"),
        (RecommendRequest, "validation"),
    ]
    _, definitions = models_json_schema(models, ref_template="#/components/schemas/{model}")
    document["components"]["schemas"].update(definitions["$defs"])
    document_keys(document, settings)
    return document


async def _on_lookalike_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, LookalikeError)
    status = status_of(error)
    if status == 500:
        raise error
    response = error_response(status, error.code, error.message, request_id_of(request.scope))
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
    return response


_HANDLERS = (
    (LookalikeError, _on_lookalike_error),
    (RequestValidationError, _on_validation_error),
    (HTTPException, _on_http_error),
)
