"""Stage clock: which stage of a build the time goes to, where several stages run at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import TypeVar

__all__ = ["Stage", "StageClock"]

T = TypeVar("T")

# Seconds that the bottleneck is measured over, at least: shorter ones would make it flicker.
_WINDOW = 3.0


class Stage(StrEnum):
    """A stage of a build."""

    READING = "reading"  # catalog rows and image files
    FETCHING = "fetching"  # images at URLs
    DECODING = "decoding"
    ENCODING = "encoding"
    WRITING = "writing"  # the ledger, the segment, the FAISS index, the calibration


class StageClock:
    """Attributes every moment of a build to the one stage that limits it.

    Decoding and encoding run beside the build's own thread, which reads, fetches and writes. The
    busy times of stages that share processors say little: each is longer because of the others. So
    a moment counts for the stage that the others wait for:

    - encoding, while it runs and a further batch waits for it, or nothing is being decoded;
    - else decoding, while images are being decoded;
    - else what the build's own thread does.

    Safe to use from several threads. Counts may be in any unit, such as batches.

    Args:
        clock: Returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seconds = dict.fromkeys(Stage, 0.0)
        self._last = clock()
        self._own = Stage.READING
        self._decoding = self._waiting = self._encoding = 0
        self._window: tuple[float, dict[Stage, float]] = (self._last, dict(self._seconds))
        self._bottleneck: Stage | None = None

    def start_decoding(self) -> None:
        """Count a batch that is being decoded."""
        with self._lock:
            self._attribute()
            self._decoding += 1

    def finish_decoding(self) -> None:
        """Let a batch that was decoded wait for the encoder."""
        with self._lock:
            self._attribute()
            self._decoding -= 1
            self._waiting += 1

    def drop_decoded(self) -> None:
        """Forget a decoded batch that has nothing to encode."""
        with self._lock:
            self._attribute()
            self._waiting -= 1

    @contextmanager
    def encode(self) -> Iterator[None]:
        """Count a decoded batch as being encoded."""
        with self._lock:
            self._attribute()
            self._waiting -= 1
            self._encoding += 1
        try:
            yield
        finally:
            with self._lock:
                self._attribute()
                self._encoding -= 1

    @contextmanager
    def during(self, stage: Stage) -> Iterator[None]:
        """Say what the build's own thread does; contexts may be nested."""
        before = self._own
        self._set_own(stage)
        try:
            yield
        finally:
            self._set_own(before)

    def during_each(self, stage: Stage, items: Iterable[T]) -> Iterator[T]:
        """Yield items; taking each from the iterable belongs to a stage of the own thread."""
        iterator = iter(items)
        while True:
            before = self._own  # not `during`: a context for each row takes a while
            self._set_own(stage)
            try:
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self._set_own(before)
            yield item

    def shares(self) -> Mapping[str, float]:
        """Return each stage's share of the time so far; the sum is 1."""
        with self._lock:
            self._attribute()
            total = sum(self._seconds.values())
            # A clock that has not moved yet has no shares to give.
            return {str(stage): spent / total for stage, spent in self._seconds.items() if total}

    def bottleneck(self) -> str:
        """Return the stage that limited the last seconds most; empty before they are over."""
        with self._lock:
            self._attribute()
            since, before = self._window
            if self._last - since >= _WINDOW:
                spent = {stage: self._seconds[stage] - before[stage] for stage in Stage}
                self._bottleneck = max(spent, key=spent.__getitem__)
                self._window = self._last, dict(self._seconds)
            return str(self._bottleneck or "")

    def _set_own(self, stage: Stage) -> None:
        with self._lock:
            self._attribute()
            self._own = stage

    def _attribute(self) -> None:
        """Add the time since the last change to the stage that limited it."""
        now = self._clock()
        self._seconds[self._limit()] += now - self._last
        self._last = now

    def _limit(self) -> Stage:
        if self._encoding and (self._waiting or not self._decoding):
            return Stage.ENCODING
        return Stage.DECODING if self._decoding else self._own
