"""What the routes ask: queries answered with the model's queue, the workers and the deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from typing import TypeVar

import numpy as np
from PIL import Image

from embeddings import Tag, heat_map_from_cosines, heat_map_png, occluded_pixels
from indexer import UnknownProductError
from indexer.index import Index
from indexer.search import EncodedParts, Engine, ImagePart, Query, SearchResult, TextPart
from indexer.tagging import Tagger
from indexer.tagging.taxonomy import DEFAULT_TAXONOMY
from search_api.service.errors import (
    DeadlineError,
    InvalidRequestError,
    NotReadyError,
    OverloadedError,
)
from search_api.service.middleware import Metrics, Room, Stage
from search_api.service.serving.batching import BatchOptions, Lane
from search_api.service.serving.decoding import (
    GivenPicture,
    PictureTask,
    PictureWorkers,
    QueryPicture,
)
from search_api.service.serving.encoding import BATCHES, EncodeQueue, QueuedEncoder, TextCache
from search_api.service.serving.taggers import Taggers
from search_api.service.settings import Settings

__all__ = ["Answering", "Tagging", "Wanted"]

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Wanted:
    """Which tags a picture is to get.

    Attributes:
        labels: Of the caller's own, of which one is true; may be empty.
        taxonomies: Names.
        groups: Those of the taxonomies that are wanted; None for all.
        top: How many labels of each group at most.
    """

    labels: Sequence[str]
    taxonomies: Sequence[str]
    groups: Collection[str] | None
    top: int


@dataclass(frozen=True)
class Tagging:
    """What is wanted, and the taggers of its taxonomies."""

    wanted: Wanted
    taggers: tuple[Tagger, ...]


class Answering:
    """Answers queries for coroutines; nothing here holds the event loop up.

    Pictures are decoded by worker processes, encodes of all requests are batched on one thread,
    and the index is searched on a few others.

    Args:
        engine: Its index and its encoder are used; the engine itself is left alone.
        settings: Sizes, limits and times.
        metrics: Told how long stages took, what waits, and of batches and the cache of texts.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        metrics: Metrics | None = None,
    ) -> None:
        self._settings = settings
        self._metrics = metrics = metrics or Metrics()
        options = BatchOptions(BATCHES, settings.batch_wait_ms / 1000, settings.queue_size)
        cache = TextCache(settings.text_cache, metrics.look)
        self.queue = EncodeQueue(
            engine.encoder, options, cache, metrics.batch, side_by_side=settings.side_by_side
        )
        patience = settings.deadline_seconds
        self.engine = engine.with_encoder(QueuedEncoder(engine.encoder, self.queue, patience))
        self.taggers = Taggers(self.engine.encoder, settings.taxonomies)
        task = PictureTask(engine.encoder.preprocess, settings.image_limits)
        self._workers = PictureWorkers(task, settings.decode_workers, settings.decode_seconds)
        self._threads = ThreadPoolExecutor(settings.threads, "search")
        self.room = Room(settings.under_way, settings.under_way_crowded)
        self.leaving = False

    def warm(self) -> None:
        """Start everything that starts by itself on first use, and answer one query of each kind.

        Raises:
            LookalikeError: What a real query would raise.
        """
        drawn = BytesIO()
        Image.new("RGB", (64, 64), "white").save(drawn, "PNG")
        self._workers.warm(GivenPicture(drawn.getvalue()))
        self.queue.warm()
        picture = ImagePart(Image.new("RGB", (64, 64), "white"))
        query = Query(parts=(TextPart("ready"), picture), k=1)
        self._threads.submit(self.engine.search, query).result()

    def close(self) -> None:
        """End the workers, and the threads when they are done."""
        self._workers.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.taggers.close()
        self.queue.batcher.close(timeout=1.0)

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """A place in the room, and the deadline, for what is done inside.

        Raises:
            OverloadedError: The room is full.
            DeadlineError: It took longer than a query may.
        """
        with self.room.taken():
            async with self.deadline():
                yield

    @asynccontextmanager
    async def deadline(self) -> AsyncIterator[None]:
        """What is done inside is given up when it takes longer than a query may.

        Raises:
            DeadlineError: It took longer.
        """
        try:
            async with asyncio.timeout(self._settings.deadline_seconds):
                yield
        except TimeoutError as error:
            raise DeadlineError(
                "The request was not answered in time; try again, or ask for less at once."
            ) from error

    async def picture(self, given: GivenPicture) -> QueryPicture:
        """Decode a query's picture.

        Raises:
            ImageError: It can't be used.
        """
        with self._metrics.timed(Stage.DECODE):
            return await self._workers.open(given)

    async def answer(
        self, query: Query, shape: Callable[[SearchResult], R], started: float | None = None
    ) -> R:
        """As `Engine.search`, for what `shape` makes of its result on the searching thread.

        Args:
            query: What is asked.
            shape: Makes the answer.
            started: When the request came, by `time.perf_counter`; by default now.
        """
        start = time.perf_counter() if started is None else started
        encoded = await self._encode(query)
        tagger = await self._tagger() if query.tags else None

        def work() -> tuple[R, float, float]:
            times = [time.perf_counter()]
            result = self.engine.find(query, encoded, start, tagger)
            times.append(time.perf_counter())
            shaped = shape(result)
            return shaped, times[1] - times[0], time.perf_counter() - times[1]

        shaped, searching, shaping = await self.run(work)
        # Told here and not on the thread, which does not know whose request it is.
        self._metrics.stage(Stage.SEARCH, searching)
        self._metrics.stage(Stage.FIELDS, shaping)
        return shaped

    async def tagging(self, wanted: Wanted) -> Tagging:
        """How pictures get the tags that are wanted, with all labels embedded.

        Raises:
            InvalidRequestError: There is no such taxonomy, or no such group in any of them.
        """
        taggers = tuple([await self.taggers.of(name) for name in wanted.taxonomies])
        if wanted.groups is not None:
            known = {group.name for tagger in taggers for group in tagger.taxonomy.groups}
            unknown = sorted(set(wanted.groups) - known)
            if unknown:
                there = ", ".join(sorted(known)) or "none without taxonomies"
                raise InvalidRequestError(f"groups: there is no {unknown[0]!r}; there is {there}.")
        return Tagging(wanted, taggers)

    async def tag(self, picture: QueryPicture, tagging: Tagging) -> list[Tag]:
        """The tags of one picture: by each taxonomy in turn, then of the caller's labels."""
        with self._metrics.timed(Stage.ENCODE), self._metrics.queued(Lane.PICTURES, 1):
            vectors = await self.queue.pictures([picture.pixels], self._until())
        wanted = tagging.wanted

        def work() -> list[Tag]:
            tags = [t for tagger in tagging.taggers for t in tagger.tag(vectors, wanted.top)[0]]
            if wanted.groups is not None:
                tags = [tag for tag in tags if tag.group in wanted.groups]
            if wanted.labels:
                tags += self.engine.tag_vectors(vectors, wanted.labels, wanted.top)[0]
            return tags

        return await self.run(work)

    async def heat(self, product_id: str, number: int, query: Query) -> bytes:
        """A PNG of a product's picture: which of its regions make it like a query.

        The picture is embedded many times, a batch after another, so that there is room for others'
        queries between them, and nothing more is embedded for one who has gone.

        Raises:
            UnknownProductError: There is no such product or picture, or no thumbnail of it.
            QueryError: As `Engine.combine`.
        """
        picture = await self.run(lambda: _opened(self.engine.index, product_id, number))
        encoded = await self._encode(query)
        vector = await self.run(lambda: self.engine.combine(query.parts, encoded))
        preprocess = self.engine.encoder.preprocess
        pixels = await self.run(lambda: occluded_pixels(preprocess, picture))
        until, size = self._until(), BATCHES[Lane.PICTURES]
        rows = [
            await self.queue.pictures(list(pixels[start : start + size]), until)
            for start in range(0, len(pixels), size)
        ]
        cosines = np.concatenate(rows) @ vector
        return await self.run(lambda: heat_map_png(picture, heat_map_from_cosines(cosines)))

    async def run(self, function: Callable[[], T]) -> T:
        """Work on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    async def check(self) -> None:
        """Embed and search once, as a readiness probe.

        Raises:
            NotReadyError: The service is leaving, or the model has been at one batch for too long.
            LookalikeError: What a real query would raise; an overload is none.
        """
        if self.leaving:
            raise NotReadyError("The service is stopping.")
        if self.wedged():
            raise NotReadyError("The model does not answer.")
        with suppress(OverloadedError):
            async with self.deadline():
                texts = await self.queue.fresh(["ready"], self._until())
                encoded = EncodedParts(texts, self.queue.nothing)
                query = Query(parts=(TextPart("ready"),), k=1)
                await self.run(lambda: self.engine.find(query, encoded))

    def wedged(self) -> bool:
        """Whether the model has been at one batch for longer than any request may take."""
        return self.queue.batcher.busy_for() > self._settings.deadline_seconds

    async def _tagger(self) -> Tagger:
        """As `Engine.tagger`; labels that are to be embedded first hold no searching thread up."""
        if self.engine.index.manifest.tagging is None:
            return await self.taggers.of(DEFAULT_TAXONOMY)
        return await self.run(self.engine.tagger)

    async def _encode(self, query: Query) -> EncodedParts:
        texts = [part.text for part in query.parts if isinstance(part, TextPart)]
        pictures = [part for part in query.parts if isinstance(part, ImagePart)]
        if not texts and not pictures:
            return EncodedParts(self.queue.nothing, self.queue.nothing)
        with (
            self._metrics.timed(Stage.ENCODE),
            self._metrics.queued(Lane.TEXTS, len(texts)),
            self._metrics.queued(Lane.PICTURES, len(pictures)),
        ):
            return await self._queue(texts, pictures)

    async def _queue(self, texts: Sequence[str], pictures: Sequence[ImagePart]) -> EncodedParts:
        until = self._until()
        # Both are queued before either is waited for.
        if not pictures:
            return EncodedParts(await self.queue.texts(texts, until), self.queue.nothing)
        pixels = [self.engine.pixels(part) for part in pictures]
        if not texts:
            return EncodedParts(self.queue.nothing, await self.queue.pictures(pixels, until))
        both = await asyncio.gather(
            self.queue.texts(texts, until), self.queue.pictures(pixels, until)
        )
        return EncodedParts(*both)

    def _until(self) -> float:
        """When the queue may drop what is asked now."""
        return self.queue.batcher.now() + self._settings.deadline_seconds


def _opened(index: Index, product_id: str, number: int) -> Image.Image:
    """The thumbnail of a product's picture, RGB."""
    content = index.thumbnail(product_id, number)
    if not content:
        raise UnknownProductError("This index was built without thumbnails.")
    with Image.open(BytesIO(content), formats=["WEBP"]) as image:
        return image.convert("RGB")
