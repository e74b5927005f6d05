"""Asynchronous client of the HTTP API, for programs that search.

    from search_api.client import AsyncClient

    async with AsyncClient("http://127.0.0.1:8000") as lookalike:
        found = await lookalike.search(text="red summer dress", k=5)
        for hit in found.hits:
            print(hit.id, hit.confidence)

Importing it loads neither the model's libraries nor the server's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self, TypeVar, Unpack

import anyio
import anyio.to_thread
import httpx

from search_api.client import calls
from search_api.client.calls import Call
from search_api.client.errors import ClientError, ServiceError
from search_api.client.exchange import connection_error, read_answer, request_of
from search_api.client.findings import Detection, Moderation, ReadText
from search_api.client.images import Picture
from search_api.client.queries import HitOptions, Query, SimilarOptions
from search_api.client.results import EmbedResult, IndexInfo, Item, SearchResult, Tag, TagResult
from search_api.client.retries import Retries
from search_api.client.shared import TIMEOUT, checked_url, default_headers

__all__ = ["AsyncClient"]

T = TypeVar("T")


class AsyncClient:
    """Client of the service at one address; for several tasks of one event loop.

    Every method raises `ClientError`: `ServiceError` and its subclasses for what the service
    refuses, `ConnectionFailedError` if none answers, `UnreadablePictureError` before anything is
    sent.

    Args:
        url: The service's address, such as `http://127.0.0.1:8000`; a path in it goes before the
            path of every route.
        api_key: An API key, if the service requires one.
        timeout: Seconds for connecting, for sending, and for the answer, each; or one
            `httpx.Timeout`. By default 30, and 5 for connecting.
        retries: When a call is sent again.
        transport: Another way to the service, such as `httpx.MockTransport` in tests.

    Example:
        >>> lookalike = AsyncClient("http://127.0.0.1:8000")
        >>> found = await lookalike.search(image="photo.jpg", filter={"price": {"lt": 50}})
        >>> [hit.id for hit in found.hits]
    """

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        timeout: float | httpx.Timeout = TIMEOUT,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._retries = retries or Retries()
        self._http = httpx.AsyncClient(
            base_url=checked_url(url),
            headers=default_headers(api_key),
            timeout=timeout,
            transport=transport,
        )

    async def search(self, **query: Unpack[Query]) -> SearchResult:
        """Find products; `Query` documents the options.

        Example:
            >>> await lookalike.search(text="red summer dress", k=5, fields=["title"])
            >>> await lookalike.search(image=Path("photo.jpg"), region=(0.1, 0.2, 0.8, 0.9))
            >>> await lookalike.search(
            ...     like="15970",
            ...     parts=[{"text": "floral", "weight": 0.5}, {"text": "sleeves", "weight": -0.4}],
            ... )
        """
        return await self._call(lambda: calls.search(query))

    async def search_batch(
        self, queries: Sequence[Query]
    ) -> tuple[SearchResult | ServiceError, ...]:
        """Answer many queries, 64 at most, in one request; each succeeds or fails by itself.

        Returns:
            For each query, in order, its answer, or the error that `search` would have raised.

        Example:
            >>> await lookalike.search_batch([{"text": "red dress"}, {"image": "a.jpg", "k": 3}])
        """
        return await self._call(lambda: calls.search_batch(queries))

    async def similar(self, product_id: str, **options: Unpack[SimilarOptions]) -> SearchResult:
        """Find products that look like a product; it is not among the hits.

        Example:
            >>> await lookalike.similar("15970", k=5, filter={"price": {"lt": 50}})
        """
        return await self._call(lambda: calls.similar(product_id, options))

    async def recommend(
        self, liked: Sequence[str], disliked: Sequence[str] = (), **options: Unpack[HitOptions]
    ) -> SearchResult:
        """Find products near the liked ones and away from the disliked ones.

        Example:
            >>> await lookalike.recommend(["15970", "39386"], disliked=["59263"], k=5)
        """
        return await self._call(lambda: calls.recommend(liked, disliked, options))

    async def embed(self, texts: Sequence[str] = (), images: Sequence[Picture] = ()) -> EmbedResult:
        """Return the vectors of texts and images, as the index compares them.

        Args:
            texts: Texts, 64 at most.
            images: Images, 32 at most; none of them a URL.

        Example:
            >>> vector = (await lookalike.embed(["red dress"])).vectors[0]
            >>> await lookalike.search(parts=[{"vector": vector}], k=5)
        """
        return await self._call(lambda: calls.embed(texts, images))

    async def tags(
        self,
        image: Picture,
        labels: Sequence[str] | None = None,
        *,
        taxonomies: Sequence[str] | None = None,
        groups: Sequence[str] | None = None,
        top: int | None = None,
    ) -> TagResult:
        """Tag an image by the caller's labels, by the service's taxonomies, or both.

        Args:
            image: The image.
            labels: Labels of which one is assumed true.
            taxonomies: Names of taxonomies, such as `retail`.
            groups: Groups of the taxonomies to return; all by default.
            top: Maximum labels of each group.

        Example:
            >>> (await lookalike.tags("photo.jpg", ["dress", "shirt", "shoes"])).tags[0].label
            >>> (await lookalike.tags("photo.jpg", taxonomies=["retail"])).tags
        """
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
        """Tag up to 32 images in one request; each succeeds or fails by itself.

        Args:
            images: The images; either all are URLs, or none is.
            labels: As for `tags`.
            taxonomies: As for `tags`.
            groups: As for `tags`.
            top: As for `tags`.

        Returns:
            For each image, in order, its tags, or the error that `tags` would have raised.

        Example:
            >>> await lookalike.tags_batch(["a.jpg", "b.jpg"], taxonomies=["retail"])
        """
        options = {"labels": labels, "taxonomies": taxonomies, "groups": groups, "top": top}
        return await self._call(lambda: calls.tags_batch(images, options))

    async def detect(self, image: Picture) -> Detection:
        """Find the items in an image.

        Raises:
            ServiceError: With the code `vision_not_installed`, if the service can't.

        Example:
            >>> (await lookalike.detect("room.jpg")).objects[0].box
        """
        return await self._call(lambda: calls.detect(image))

    async def moderate(self, image: Picture, *, skin: bool = False) -> Moderation:
        """Tell how likely an image is not fit to show.

        Args:
            image: The image.
            skin: Whether it shows a product that is worn on skin, such as swimwear.

        Raises:
            ServiceError: With the code `vision_not_installed`, if the service can't.

        Example:
            >>> (await lookalike.moderate("photo.jpg")).unsafe
        """
        return await self._call(lambda: calls.moderate(image, {"skin": skin or None}))

    async def read(self, image: Picture) -> ReadText:
        """Read the text in an image.

        Raises:
            ServiceError: With the code `vision_not_installed`, if the service can't.

        Example:
            >>> (await lookalike.read("label.jpg")).text
        """
        return await self._call(lambda: calls.read(image))

    async def item(self, product_id: str) -> Item:
        """Return one product.

        Raises:
            NotFoundError: There is no product with this id.
        """
        return await self._call(lambda: calls.item(product_id))

    async def item_image(self, product_id: str, number: int = 0, size: int | None = None) -> bytes:
        """Return a product's image as a WebP file.

        Args:
            product_id: The product.
            number: Number of the image, from 0; a hit's best one is its `image_number`.
            size: Longest side in pixels, 16 to 320; by default as stored.

        Raises:
            NotFoundError: There is no such image.
        """
        return await self._call(lambda: calls.item_image(product_id, number, size))

    async def index(self) -> IndexInfo:
        """Describe the index that is served."""
        return await self._call(calls.index)

    async def ready(self) -> bool:
        """Return whether the service answers queries; raises no error if it does not."""
        try:
            return await self._call(calls.ready)
        except ClientError:
            return False

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _call(self, make: Callable[[], Call[T]]) -> T:
        # Images are read and encoded on a thread, so that the event loop goes on.
        call = await anyio.to_thread.run_sync(make)
        request = request_of(call, self._http)
        sent = 0
        while True:
            try:
                return await self._send(call, request)
            except ClientError as error:
                sent += 1
                wait = None if call.single_attempt else self._retries.wait(sent, error)
                if wait is None:
                    raise
            await anyio.sleep(wait)

    async def _send(self, call: Call[T], request: httpx.Request) -> T:
        try:
            answer = await self._http.send(request)
        except httpx.RequestError as error:
            raise connection_error(error) from error
        return read_answer(call, answer)
