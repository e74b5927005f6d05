"""Prefetching: fetches the images of later items while earlier ones are worked on."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

from indexer.errors import SourceError

__all__ = ["Fetches", "prefetch"]

T = TypeVar("T")


Image_co = TypeVar("Image_co", covariant=True)


class Fetches(Protocol[Image_co]):
    """Fetches images, by many threads at once."""

    def fetch(self, url: str) -> Image_co:
        """Return an image, as a rule its bytes, or raise a `SourceError`."""


def prefetch(
    items: Iterable[T],
    urls_of: Callable[[T], Sequence[str]],
    fetcher: Fetches[Image_co],
    workers: int = 16,
    ahead: int = 64,
) -> Iterator[tuple[T, tuple[Image_co | SourceError, ...]]]:
    """Yield items in their order, each with the images at its URLs, while later ones are fetched.

    Items are taken from the iterable only when they are needed. While the first item that was not
    yielded yet waits for its images, up to `ahead` URLs, its own included, are fetched or wait in
    memory. (An item with more URLs goes alone; one without URLs counts as one.) So the images in
    memory have at most `ahead` times the fetcher's `max_bytes`. Once the generator is closed, no
    further fetch begins; those in progress end in daemon threads, which nothing waits for.

    Args:
        items: The items.
        urls_of: Returns the URLs of an item, often none.
        fetcher: Fetches the images; it is not closed here.
        workers: Number of URLs fetched at a time, from 1.
        ahead: Number of URLs fetched ahead.

    Yields:
        Each item with the images or errors of its URLs, in the order of the URLs.
    """
    waiting: deque[tuple[T, list[Future[Image_co | SourceError]]]] = deque()
    load = 0

    def first() -> tuple[T, tuple[Image_co | SourceError, ...]]:
        nonlocal load
        item, futures = waiting[0]
        results = tuple(future.result() for future in futures)
        waiting.popleft()
        load -= max(1, len(futures))
        return item, results

    threads = _FetchThreads(fetcher, workers)
    try:
        for item in items:
            urls = urls_of(item)
            if not urls and not waiting:
                yield item, ()
                continue
            cost = max(1, len(urls))
            while waiting and load + cost > ahead:
                yield first()
            waiting.append((item, [threads.submit(url) for url in urls]))
            load += cost
            while waiting and all(future.done() for future in waiting[0][1]):
                yield first()
        while waiting:
            yield first()
    finally:
        for _, futures in waiting:
            for future in futures:
                future.cancel()
        threads.stop()


class _FetchThreads(Generic[Image_co]):
    """Daemon threads that fetch.

    Not a `ThreadPoolExecutor`: the interpreter waits for its threads at exit, so an interrupted
    program would end only after the fetches in progress.
    """

    def __init__(self, fetcher: Fetches[Image_co], workers: int) -> None:
        if workers < 1:
            raise ValueError(f"at least one worker is needed, not {workers}")
        self._fetcher = fetcher
        self._workers = workers
        self._started = 0
        self._tasks: SimpleQueue[tuple[str, Future[Image_co | SourceError]] | None] = SimpleQueue()

    def submit(self, url: str) -> Future[Image_co | SourceError]:
        """Queue a URL. Threads start with the first URLs: most catalogs have none."""
        future: Future[Image_co | SourceError] = Future()
        self._tasks.put((url, future))
        if self._started < self._workers:
            self._started += 1
            threading.Thread(target=self._work, name="fetch", daemon=True).start()
        return future

    def stop(self) -> None:
        """Let each thread end after its current fetch; cancelled futures are skipped."""
        for _ in range(self._started):
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            url, future = task
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(self._fetcher.fetch(url))
            except SourceError as error:
                # A new error: the traceback of the raised one keeps the bytes read in memory.
                future.set_result(SourceError(error.reason, error.message))
            except BaseException as error:  # noqa: BLE001 - `Future.result` raises it
                future.set_exception(error)
            del task, future  # or an idle thread would keep its last image in memory
