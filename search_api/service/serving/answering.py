"""Query answering for coroutines: decode, encode in batches, search, within a deadline."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TypeVar

import numpy as np
import structlog
from PIL import Image

from embeddings import (
    FloatArray,
    LookalikeError,
    PixelArray,
    Tag,
    heat_map_from_cosines,
    heat_map_png,
    occluded_pixels,
)
from indexer import UnknownProductError
from indexer.index import Index
from indexer.retrieval import cancelled_by, checkpoint
from indexer.search import EncodedParts, Engine, ImagePart, Query, SearchResult, TextPart
from indexer.tagging import Tagger
from indexer.tagging.taxonomy import DEFAULT_TAXONOMY
from search_api.service.admission import Door, DoorLimits, SharedAnswer, WorkerThreads
from search_api.service.errors import InvalidRequestError, NotReadyError, OverloadedError
from search_api.service.middleware import Metrics, Stage
from search_api.service.schemas import Links
from search_api.service.serving.batch_queue import BatchKind, BatchOptions
from search_api.service.serving.decode_task import ImageFile, QueryDecodeTask, QueryImage
from search_api.service.serving.decoding import DecodeWorkers
from search_api.service.serving.encoding import BATCH_SIZES, EncodeQueue, QueuedEncoder
from search_api.service.serving.lookers import Lookers
from search_api.service.serving.taggers import Taggers
from search_api.service.serving.text_cache import TextCache
from search_api.service.settings import Settings

__all__ = ["Answering", "TagOptions", "TagPlan"]

_log = structlog.get_logger(__name__)

T = TypeVar("T")
R = TypeVar("R")

# Seconds that threads of the model get to finish their batch at the end.
_CLOSE_SECONDS = 1.0

# Side of the white image that warms the service up, in pixels.
_WARM_SIDE = 64


@dataclass(frozen=True)
class TagOptions:
    """Which tags an image gets.

    Attributes:
        labels: The caller's own labels, of which one is assumed true; may be empty.
        taxonomies: Names of taxonomies.
        groups: Groups of the taxonomies to return; None for all.
        top: Maximum labels of each group.
    """

    labels: Sequence[str]
    taxonomies: Sequence[str]
    groups: Collection[str] | None
    top: int


@dataclass(frozen=True)
class TagPlan:
    """Tag options with the taggers of their taxonomies."""

    options: TagOptions
    taggers: tuple[Tagger, ...]


class Answering:
    """Answers queries for coroutines; nothing here blocks the event loop.

    Images are decoded by worker processes, encodes of all requests are batched on one thread, and
    the index is searched on a few others.

    Args:
        engine: Its index and encoder are used; the engine itself is not changed.
        settings: Sizes, limits and times.
        metrics: Records stages, waiting items, batches and the text cache.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        metrics: Metrics | None = None,
    ) -> None:
        self._settings = settings
        self._metrics = metrics = metrics or Metrics()
        options = BatchOptions(BATCH_SIZES, settings.batch_wait_ms / 1000, settings.queue_size)
        cache = TextCache(settings.text_cache, metrics.record_lookup)
        self.queue = EncodeQueue(
            engine.encoder,
            options,
            cache,
            metrics.record_batch,
            side_by_side=settings.side_by_side,
        )
        queued = QueuedEncoder(engine.encoder, self.queue, settings.deadline_seconds)
        self.engine = engine.with_encoder(queued)
        self.taggers = Taggers(self.engine.encoder, settings.taxonomies)
        self.examination = settings.examination
        self.examination.check()
        task = QueryDecodeTask(
            engine.encoder.preprocess,
            settings.image_limits,
            self.examination,
            settings.max_image_memory,
        )
        self._workers = DecodeWorkers(
            task, settings.decode_workers, settings.decode_seconds, settings.decode_megapixels
        )
        self.lookers = Lookers(settings, lambda: metrics.timed(Stage.DECODE))
        self._threads = WorkerThreads(settings.threads, "search")
        self.door = _door(settings)
        self._probe = SharedAnswer(self._ask_once)
        self.links = Links(settings.root_path)
        self.stopping = False

    def warm(self) -> None:
        """Start every process and thread, and answer one query of each kind.

        Raises:
            LookalikeError: As for a real query.
        """
        white = Image.new("RGB", (_WARM_SIDE, _WARM_SIDE), "white")
        file = BytesIO()
        white.save(file, "PNG")
        self._workers.warm(ImageFile(file.getvalue()))
        self.queue.warm()
        query = Query(parts=(TextPart("ready"), ImagePart(white)), k=1)
        self._threads.submit(self.engine.search, query).result()

    def warm_batches(self) -> None:
        """Prepare for many requests at once, while the first ones are answered already."""
        try:
            self.queue.warm_batches()
        except Exception:  # noqa: BLE001 (logged; requests meet the same, and report it)
            _log.exception("batches could not be prepared")

    def close(self) -> None:
        """End the processes, and the threads after their present work."""
        self._workers.close()
        self.lookers.close()
        self._threads.close()
        self.taggers.close()
        self.queue.batcher.close(timeout=_CLOSE_SECONDS)

    async def decode(self, file: ImageFile) -> QueryImage:
        """Decode a query's image.

        Raises:
            ImageError: The image can't be used.
        """
        with self._metrics.timed(Stage.DECODE):
            return await self._workers.decode(file)

    async def answer(
        self,
        query: Query,
        convert: Callable[[SearchResult], R],
        started: float | None = None,
        encoded: EncodedParts | None = None,
    ) -> R:
        """Answer a query as `Engine.search` does.

        Args:
            query: The query.
            convert: Converts the result into the answer, on the thread that searched.
            started: When the request arrived, by `time.perf_counter`; by default now.
            encoded: The query's parts, where they are embedded already.
        """
        start = time.perf_counter() if started is None else started
        encoded = await self.encode(query) if encoded is None else encoded
        tagger = await self._tagger() if query.tags else None

        def work() -> tuple[R, float, float]:
            begun = time.perf_counter()
            result = self.engine.find(query, encoded, start, tagger)
            found = time.perf_counter()
            answer = convert(result)
            return answer, found - begun, time.perf_counter() - found

        answer, searching, converting = await self.run(work)
        # Recorded here, since the thread does not know whose request it serves.
        self._metrics.record_stage(Stage.SEARCH, searching)
        self._metrics.record_stage(Stage.FIELDS, converting)
        return answer

    async def tag_plan(self, options: TagOptions) -> TagPlan:
        """Prepare tagging: find the taxonomies, and embed all of their labels.

        Raises:
            InvalidRequestError: There is no such taxonomy, or none of them has such a group.
        """
        taggers = tuple([await self.taggers.of(name) for name in options.taxonomies])
        if options.groups is not None:
            known = {group.name for tagger in taggers for group in tagger.taxonomy.groups}
            unknown = sorted(set(options.groups) - known)
            if unknown:
                there = ", ".join(sorted(known)) or "none without taxonomies"
                raise InvalidRequestError(f"groups: there is no {unknown[0]!r}; there is {there}.")
        return TagPlan(options, taggers)

    async def tag(self, image: QueryImage, plan: TagPlan) -> list[Tag]:
        """Return the tags of an image: by each taxonomy in turn, then of the caller's labels."""
        rows = await self.encode_pixels([image.pixels])
        return (await self.tag_vectors(rows[:, : self.engine.encoder.spec.dim], plan))[0]

    async def encode_pixels(self, pixels: Sequence[PixelArray]) -> FloatArray:
        """Embed images as the encoder takes them, `[n, dim + features]`."""
        count = len(pixels)
        with self._metrics.timed(Stage.ENCODE), self._metrics.queued(BatchKind.IMAGES, count):
            return await self.queue.image_rows(list(pixels), self._deadline())

    async def tag_vectors(self, vectors: FloatArray, plan: TagPlan) -> list[list[Tag]]:
        """Return the tags of embedded images, `[n, dim]`, as `tag` does."""
        options = plan.options

        def work() -> list[list[Tag]]:
            tagged: list[list[Tag]] = [[] for _ in vectors]
            for tagger in plan.taggers:
                more = tagger.tag(vectors, options.top)
                tagged = [tags + others for tags, others in zip(tagged, more, strict=True)]
            if options.groups is not None:
                tagged = [[tag for tag in tags if tag.group in options.groups] for tags in tagged]
            if options.labels:
                labels = self.engine.tag_vectors(vectors, options.labels, options.top)
                tagged = [tags + others for tags, others in zip(tagged, labels, strict=True)]
            return tagged

        return await self.run(work)

    async def heat_map(self, product_id: str, number: int, query: Query) -> bytes:
        """Return a PNG of a product's image that shows which regions match a query.

        The image is embedded many times, batch after batch, so that other queries fit between
        them, and cancellation stops the rest.

        Raises:
            UnknownProductError: There is no such product or image, or no thumbnail of it.
            QueryError: As for `Engine.combine`.
        """
        image = await self.run(lambda: _thumbnail(self.engine.index, product_id, number))
        encoded = await self.encode(query)
        vector = await self.run(lambda: self.engine.combine(query.parts, encoded))
        preprocess = self.engine.encoder.preprocess
        pixels = await self.run(lambda: occluded_pixels(preprocess, image))
        # Half batches, so that an image of a search waits less for them.
        deadline, size = self._deadline(), BATCH_SIZES[BatchKind.IMAGES] // 2
        rows = [
            await self.queue.images(list(pixels[start : start + size]), deadline)
            for start in range(0, len(pixels), size)
        ]
        cosines = np.concatenate(rows) @ vector
        return await self.run(lambda: heat_map_png(image, heat_map_from_cosines(cosines)))

    async def run(self, function: Callable[[], T]) -> T:
        """Call a function on a search thread.

        Files of the index that are overwritten while they are read cause errors of any kind. If
        that has happened, the index moves to an intact generation, and the function is called
        again. If the caller is cancelled, the function ends at its next checkpoint.
        """
        cancelled = threading.Event()
        work = partial(_unless_cancelled, cancelled, function)
        try:
            return await self._threads.run(work)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        except LookalikeError:
            raise
        except Exception:
            if not await self._threads.run(self.engine.refresh):
                raise
            return await self._threads.run(work)

    async def check(self) -> None:
        """Embed and search once, as a readiness probe, or share the result of the last second.

        Raises:
            NotReadyError: The service is stopping, or the model is stuck.
            LookalikeError: As for a real query, except that an overload is not an error.
        """
        if self.stopping:
            raise NotReadyError("The service is stopping.")
        if self.is_stuck():
            raise NotReadyError("The model does not answer.")
        await self._probe.get()

    async def _ask_once(self) -> None:
        with suppress(OverloadedError):
            async with self.door.deadline():
                texts = await self.queue.uncached_texts(["ready"], self._deadline())
                encoded = EncodedParts.of_rows(texts, self.queue.no_rows)
                query = Query(parts=(TextPart("ready"),), k=1)
                await self.run(lambda: self.engine.find(query, encoded))

    def is_stuck(self) -> bool:
        """Return whether a batch has been in the model for longer than a request's deadline."""
        return self.queue.batcher.busy_for() > self._settings.deadline_seconds

    async def _tagger(self) -> Tagger:
        """Return the tagger of `Engine.tagger`; embedding its labels blocks no search thread."""
        if self.engine.served.tagging is None:
            return await self.taggers.of(DEFAULT_TAXONOMY)
        return await self.run(self.engine.tagger)

    async def encode(self, query: Query) -> EncodedParts:
        """Embed the texts and images of a query, in the batches of all requests."""
        texts = [part.text for part in query.parts if isinstance(part, TextPart)]
        images = [part for part in query.parts if isinstance(part, ImagePart)]
        if not texts and not images:
            return EncodedParts.of_rows(self.queue.no_vectors, self.queue.no_rows)
        pixels = [self.engine.pixels(part) for part in images]
        deadline = self._deadline()
        with (
            self._metrics.timed(Stage.ENCODE),
            self._metrics.queued(BatchKind.TEXTS, len(texts)),
            self._metrics.queued(BatchKind.IMAGES, len(images)),
        ):
            # Both are queued before either is awaited.
            both = await asyncio.gather(
                self.queue.texts(texts, deadline), self.queue.image_rows(pixels, deadline)
            )
        return EncodedParts.of_rows(*both)

    def _deadline(self) -> float:
        """Return when an encode that is queued now is no longer needed, by the batcher's clock."""
        return self.queue.batcher.now() + self._settings.deadline_seconds


def _door(settings: Settings) -> Door:
    most, at_work = settings.under_way, min(settings.under_way, settings.under_way_crowded)
    return Door(
        DoorLimits(
            searches=at_work,
            waiting=most - at_work,
            lookups=settings.threads,
            seconds=settings.deadline_seconds,
        )
    )


def _thumbnail(index: Index, product_id: str, number: int) -> Image.Image:
    """Return the thumbnail of a product's image, RGB."""
    content = index.thumbnail(product_id, number)
    if not content:
        raise UnknownProductError("This index was built without thumbnails.")
    with Image.open(BytesIO(content), formats=["WEBP"]) as image:
        return image.convert("RGB")


def _unless_cancelled(cancelled: threading.Event, function: Callable[[], T]) -> T:
    with cancelled_by(cancelled):
        checkpoint()
        return function()
