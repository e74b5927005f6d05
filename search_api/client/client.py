"""A client of the HTTP API, for programs that search.

    from search_api.client import Client

    with Client("http://127.0.0.1:8000") as lookalike:
        for hit in lookalike.search(text="red summer dress", k=5).hits:
            print(hit.id, hit.confidence)

`AsyncClient` has the same methods to await. Importing this loads neither the model's libraries nor
the server's. What is sent and how answers are read stands in `search_api.wire`, for both clients.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar, Unpack

import anyio
import anyio.to_thread
import httpx

from search_api.client import calls
from search_api.client.calls import Call
from search_api.client.errors import (
    BadRequestError,
    ClientError,
    ConnectionFailedError,
    DeadlineError,
    InvalidRequestError,
    NoAnswerInTimeError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    ServiceError,
    TooLargeError,
    UnauthorizedError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreadablePictureError,
    UnsupportedPictureError,
)
from search_api.client.exchange import Attempt, Outcome, Retries, Talk, request_of, talk
from search_api.client.images import Picture
from search_api.client.queries import HitOptions, Part, Query, SimilarOptions
from search_api.client.results import (
    Explanation,
    FieldValue,
    Hit,
    IndexInfo,
    Item,
    SearchResult,
    SharedColour,
    Tag,
    TagResult,
)

__all__ = [
    "AsyncClient",
    "BadRequestError",
    "Client",
    "ClientError",
    "ConnectionFailedError",
    "DeadlineError",
    "Explanation",
    "FieldValue",
    "Hit",
    "HitOptions",
    "IndexInfo",
    "InvalidRequestError",
    "Item",
    "NoAnswerInTimeError",
    "NotFoundError",
    "Part",
    "Picture",
    "Query",
    "RateLimitedError",
    "Retries",
    "SearchResult",
    "ServerError",
    "ServiceError",
    "SharedColour",
    "SimilarOptions",
    "Tag",
    "TagResult",
    "TooLargeError",
    "UnauthorizedError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "UnreadablePictureError",
    "UnsupportedPictureError",
]

T = TypeVar("T")

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class Client:
    """The service at one address; safe to share between threads.

    Every method raises `ClientError`: `ServiceError` and its classes for what the service refuses,
    `ConnectionFailedError` where none answers, `UnreadablePictureError` before anything is sent.

    Args:
        url: The service's address, such as `http://127.0.0.1:8000`; a path in it goes before every
            route's.
        api_key: Where the service asks for one.
        timeout: Seconds for connecting, sending, and waiting for the answer, each; or one
            `httpx.Timeout`. By default 30, and 5 for connecting.
        retries: When a call is sent again.
        transport: Another way to the service, such as `httpx.MockTransport` in tests.

    Example:
        >>> lookalike = Client("http://127.0.0.1:8000")
        >>> found = lookalike.search(image="photo.jpg", filter={"price": {"lt": 50}})
        >>> [hit.id for hit in found.hits]
    """

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        timeout: float | httpx.Timeout = _TIMEOUT,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._retries = retries or Retries()
        self._http = httpx.Client(
            base_url=_checked(url), headers=_headers(api_key), timeout=timeout, transport=transport
        )

    def search(self, **query: Unpack[Query]) -> SearchResult:
        """Find products; what can be asked is in `Query`.

        Example:
            >>> lookalike.search(text="red summer dress", k=5, fields=["title"])
            >>> lookalike.search(image=Path("photo.jpg"), region=(0.1, 0.2, 0.8, 0.9))
            >>> lookalike.search(
            ...     like="15970",
            ...     parts=[{"text": "floral", "weight": 0.5}, {"text": "sleeves", "weight": -0.4}],
            ... )
        """
        return self._call(lambda: calls.search(query))

    def search_batch(self, queries: Sequence[Query]) -> tuple[SearchResult | ServiceError, ...]:
        """Answer many queries, 64 at most, in one request; each succeeds or fails by itself.

        Returns:
            For each query, in order, its answer, or the error that `search` would have raised.

        Example:
            >>> lookalike.search_batch([{"text": "red dress"}, {"image": "photo.jpg", "k": 3}])
        """
        return self._call(lambda: calls.search_batch(queries))

    def similar(self, product_id: str, **options: Unpack[SimilarOptions]) -> SearchResult:
        """Products that look like one, which is not among them.

        Example:
            >>> lookalike.similar("15970", k=5, filter={"price": {"lt": 50}})
        """
        return self._call(lambda: calls.similar(product_id, options))

    def recommend(
        self, liked: Sequence[str], disliked: Sequence[str] = (), **options: Unpack[HitOptions]
    ) -> SearchResult:
        """Products that go with several that are liked, and away from those that are not.

        Example:
            >>> lookalike.recommend(["15970", "39386"], disliked=["59263"], k=5)
        """
        return self._call(lambda: calls.recommend(liked, disliked, options))

    def tags(
        self,
        image: Picture,
        labels: Sequence[str] | None = None,
        *,
        taxonomies: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        top: int | None = None,
    ) -> TagResult:
        """What a picture shows, by the caller's labels, by the service's taxonomies, or both.

        Args:
            image: The picture.
            labels: Of which one is taken to be true.
            taxonomies: Names of taxonomies, such as `retail`.
            groups: The taxonomies' groups that are wanted; all by default.
            top: How many labels at most, of each group.

        Example:
            >>> lookalike.tags("photo.jpg", ["dress", "shirt", "shoes"]).tags[0].label
            >>> lookalike.tags("photo.jpg", taxonomies=["retail"]).tags
        """
        options = {"labels": labels, "taxonomies": taxonomies, "groups": groups, "top": top}
        return self._call(lambda: calls.tags(image, options))

    def tags_batch(
        self,
        images: Sequence[Picture],
        labels: Sequence[str] | None = None,
        *,
        taxonomies: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        top: int | None = None,
    ) -> tuple[tuple[Tag, ...] | ServiceError, ...]:
        """As `tags`, for up to 32 pictures in one request; tags or an error for each.

        Args:
            images: All of them URLs, or none.
            labels: As for `tags`.
            taxonomies: As for `tags`.
            groups: As for `tags`.
            top: As for `tags`.

        Example:
            >>> lookalike.tags_batch(["a.jpg", "b.jpg"], taxonomies=["retail"])
        """
        options = {"labels": labels, "taxonomies": taxonomies, "groups": groups, "top": top}
        return self._call(lambda: calls.tags_batch(images, options))

    def item(self, product_id: str) -> Item:
        """One product.

        Raises:
            NotFoundError: There is none of this id.
        """
        return self._call(lambda: calls.item(product_id))

    def item_image(self, product_id: str, number: int = 0, size: int | None = None) -> bytes:
        """A product's picture as a WebP file.

        Args:
            product_id: The product.
            number: Which of its pictures, from 0; a hit's best one is its `image_number`.
            size: Longest side in pixels, 16 to 320; by default as stored.

        Raises:
            NotFoundError: There is no such picture.
        """
        return self._call(lambda: calls.item_image(product_id, number, size))

    def index(self) -> IndexInfo:
        """What the service serves."""
        return self._call(calls.index)

    def ready(self) -> bool:
        """Whether the service answers queries; no error means that it doesn't."""
        try:
            return self._call(calls.ready)
        except ClientError:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _call(self, make: Callable[[], Call[T]]) -> T:
        call = make()
        talking = talk(call, request_of(call, self._http), self._retries)
        attempt = next(talking)
        while True:
            try:
                attempt = talking.send(self._outcome(attempt))
            except StopIteration as end:
                return _result(talking, end)

    def _outcome(self, attempt: Attempt) -> Outcome:
        if attempt.after:
            time.sleep(attempt.after)
        try:
            return self._http.send(attempt.request)
        except httpx.RequestError as error:
            return error


class AsyncClient:
    """The service at one address, for coroutines; arguments and methods as `Client`'s.

    Example:
        >>> async with AsyncClient("http://127.0.0.1:8000") as lookalike:
        ...     found = await lookalike.search(text="red summer dress")
    """

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        timeout: float | httpx.Timeout = _TIMEOUT,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._retries = retries or Retries()
        self._http = httpx.AsyncClient(
            base_url=_checked(url), headers=_headers(api_key), timeout=timeout, transport=transport
        )

    async def search(self, **query: Unpack[Query]) -> SearchResult:
        """As `Client.search`."""
        return await self._call(lambda: calls.search(query))

    async def search_batch(
        self, queries: Sequence[Query]
    ) -> tuple[SearchResult | ServiceError, ...]:
        """As `Client.search_batch`."""
        return await self._call(lambda: calls.search_batch(queries))

    async def similar(self, product_id: str, **options: Unpack[SimilarOptions]) -> SearchResult:
        """As `Client.similar`."""
        return await self._call(lambda: calls.similar(product_id, options))

    async def recommend(
        self, liked: Sequence[str], disliked: Sequence[str] = (), **options: Unpack[HitOptions]
    ) -> SearchResult:
        """As `Client.recommend`."""
        return await self._call(lambda: calls.recommend(liked, disliked, options))

    async def tags(
        self,
        image: Picture,
        labels: Sequence[str] | None = None,
        *,
        taxonomies: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        top: int | None = None,
    ) -> TagResult:
        """As `Client.tags`."""
        options = {"labels": labels, "taxonomies": taxonomies, "groups": groups, "top": top}
        return await self._call(lambda: calls.tags(image, options))

    async def tags_batch(
        self,
        images: Sequence[Picture],
        labels: Sequence[str] | None = None,
        *,
        taxonomies: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        top: int | None = None,
    ) -> tuple[tuple[Tag, ...] | ServiceError, ...]:
        """As `Client.tags_batch`."""
        options = {"labels": labels, "taxonomies": taxonomies, "groups": groups, "top": top}
        return await self._call(lambda: calls.tags_batch(images, options))

    async def item(self, product_id: str) -> Item:
        """As `Client.item`."""
        return await self._call(lambda: calls.item(product_id))

    async def item_image(self, product_id: str, number: int = 0, size: int | None = None) -> bytes:
        """As `Client.item_image`."""
        return await self._call(lambda: calls.item_image(product_id, number, size))

    async def index(self) -> IndexInfo:
        """As `Client.index`."""
        return await self._call(calls.index)

    async def ready(self) -> bool:
        """As `Client.ready`."""
        try:
            return await self._call(calls.ready)
        except ClientError:
            return False

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _call(self, make: Callable[[], Call[T]]) -> T:
        # Pictures are read and encoded on a thread, while the loop goes on.
        call = await anyio.to_thread.run_sync(make)
        talking = talk(call, request_of(call, self._http), self._retries)
        attempt = next(talking)
        while True:
            try:
                attempt = talking.send(await self._outcome(attempt))
            except StopIteration as end:
                return _result(talking, end)

    async def _outcome(self, attempt: Attempt) -> Outcome:
        if attempt.after:
            await anyio.sleep(attempt.after)
        try:
            return await self._http.send(attempt.request)
        except httpx.RequestError as error:
            return error


def _checked(url: str) -> str:
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError(f"{url!r}: give the service's address with http:// or https://.")
    return url


def _headers(api_key: str | None) -> dict[str, str]:
    named = {"User-Agent": "lookalike-client", "Accept": "application/json, image/webp"}
    return named if api_key is None else {**named, "Authorization": f"Bearer {api_key}"}


def _result(_: Talk[T], end: StopIteration) -> T:
    """What a conversation ended with; `StopIteration` itself has no type for it."""
    result: T = end.value
    return result
