"""Writer: logs the writes of all requests in groups, and publishes them as generations."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import structlog

from embeddings import LookalikeError
from indexer import IndexLockedError
from indexer.build.live import Receipt, Write, WriteLog, apply_writes, remove_superseded
from indexer.index import Index
from indexer.search import Engine
from indexer.storage import Layout
from search_api.service.errors import (
    IndexBusyError,
    NotPublishedError,
    NotReadyError,
    OverloadedError,
    UnavailableError,
)

__all__ = ["Writer"]

_log = structlog.get_logger(__name__)

# Writes that wait for a sync together, and that no generation has yet; beyond it 503.
_MOST_QUEUED, _MOST_PENDING = 10_000, 100_000
# Seconds between two looks for what other processes logged, and after a failure.
_LOOK_SECONDS, _RETRY_SECONDS = 0.25, 2.0
# Seconds after which a lock is no longer that of another process of this server.
_LOCK_SECONDS = 2.0
# Seconds between two removals of superseded generations.
_TIDY_SECONDS = 5.0
_WAIT_STEP = 0.01
_CLOSE_SECONDS = 5.0

_LOCKED = (
    "The index is being built or merged now. What was written is kept; write again when that is "
    "done."
)
_UNPUBLISHED = "What was written before can't be published; see the service's log. Nothing is lost."

Outcome = Receipt | LookalikeError


class Writer:
    """Takes the writes of one process.

    One thread logs them: those that come while it waits for the disk are synced together. Another
    publishes what the log has, also what other processes of the server logged. The write lock of
    the index lets one of them publish at a time.

    Args:
        engine: Serves the index, and moves to what is published.
        path: The index folder.
    """

    def __init__(self, engine: Engine, path: Path) -> None:
        self._engine = engine
        self._layout = Layout(path)
        self._changed = threading.Condition()
        self._queue: list[tuple[Sequence[Write], Future[list[Outcome]]]] = []
        self._queued = 0
        self._closed = False
        self._pending = threading.Event()
        self._log: WriteLog | None = None
        self._threads: list[threading.Thread] = []
        self._searchable = 0
        self._logged = 0
        self._problem: UnavailableError | None = None
        self._locked_since: float | None = None
        self._tidied = time.monotonic()

    def start(self) -> None:
        """Open the log and start the threads.

        Raises:
            WriteLogError: The log can't be used.
        """
        self._log = WriteLog(self._layout.writes)
        self._logged = self._searchable = self._log.applied()[0]
        work = ((self._log_writes, "write-log"), (self._publish_writes, "write-publisher"))
        self._threads = [
            threading.Thread(target=target, name=name, daemon=True) for target, name in work
        ]
        for thread in self._threads:
            thread.start()
        self._pending.set()

    def close(self) -> None:
        """Log what is queued and end the threads; what is not published is at the next start."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._pending.set()
        for thread in self._threads:
            thread.join(_CLOSE_SECONDS)
        if self._log is not None and not any(thread.is_alive() for thread in self._threads):
            self._log.close()

    def check(self) -> None:
        """Refuse writes that could not be taken, before anything is done for them.

        Raises:
            UnavailableError: The service can't take any now.
        """
        if self._problem is not None:
            raise self._problem
        if self._queued > _MOST_QUEUED or self._logged - self._searchable > _MOST_PENDING:
            raise OverloadedError("Too many writes wait to be published; write again later.")

    async def write(self, write: Write) -> Receipt:
        """Make one write durable.

        Raises:
            LookalikeError: It is refused, or can't be made durable; nothing was written.
        """
        (outcome,) = await self.write_all([write])
        if isinstance(outcome, LookalikeError):
            raise outcome
        return outcome

    async def write_all(self, writes: Sequence[Write]) -> list[Outcome]:
        """Make writes durable, with one sync; returns the receipt or the error of each.

        Raises:
            LookalikeError: None of them could be written.
        """
        self.check()
        future: Future[list[Outcome]] = Future()
        with self._changed:
            if self._closed or self._log is None:
                raise NotReadyError("The service is stopping.")
            self._queue.append((writes, future))
            self._queued += len(writes)
            self._changed.notify()
        # Not cancelled with its caller: the others of its group go on.
        return await asyncio.shield(asyncio.wrap_future(future))

    async def until_searchable(self, receipt: Receipt, seconds: float) -> bool:
        """Wait until searches find a write; returns whether they do."""
        deadline = time.monotonic() + seconds
        while not self.is_searchable(receipt):
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_WAIT_STEP)
        return True

    def is_searchable(self, receipt: Receipt) -> bool:
        """Return whether the generation that this process serves has a write."""
        return receipt.number <= self._searchable

    def _log_writes(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                group, self._queue = self._queue, []
                self._queued = 0
                if not group and self._closed:
                    return
            self._log_group(group)

    def _log_group(self, group: Sequence[tuple[Sequence[Write], Future[list[Outcome]]]]) -> None:
        assert self._log is not None
        try:
            outcomes = self._log.accept([w for writes, _ in group for w in writes], self._view)
        except BaseException as error:  # noqa: BLE001 (each caller reports it)
            for _, future in group:
                future.set_exception(error)
            return
        numbers = [outcome.number for outcome in outcomes if isinstance(outcome, Receipt)]
        self._logged = max([self._logged, *numbers])
        rest = iter(outcomes)
        for writes, future in group:
            future.set_result([next(rest) for _ in writes])
        self._pending.set()

    def _view(self, generation: int) -> Index:
        if self._engine.served.generation < generation:
            self._engine.refresh()
        return self._engine.index

    def _publish_writes(self) -> None:
        while not self._closed:
            self._pending.wait(_LOOK_SECONDS)
            self._pending.clear()
            try:
                self._publish()
                self._problem = self._locked_since = None
            except IndexLockedError:
                self._note_lock()
            except Exception:  # noqa: BLE001 (logged; what was written stays in the log)
                _log.exception("writes can't be published")
                self._problem = NotPublishedError(_UNPUBLISHED, retry_after=int(_RETRY_SECONDS))
                time.sleep(_RETRY_SECONDS)

    def _publish(self) -> None:
        """Publish all that is logged, and follow what other processes published."""
        assert self._log is not None
        while not self._closed and self._log.backlog():
            encoder = self._engine.encoder
            applied = apply_writes(self._layout, self._log, encoder, self._engine.index)
            if applied is None:
                break
            self._follow()
        self._follow()
        if time.monotonic() - self._tidied > _TIDY_SECONDS:
            self._tidied = time.monotonic()
            with suppress(IndexLockedError):
                remove_superseded(self._layout, self._log)

    def _follow(self) -> None:
        assert self._log is not None
        number, generation = self._log.applied()
        if number == self._searchable:
            return
        if self._engine.served.generation < generation:
            self._engine.refresh()
        if self._engine.served.generation >= generation:
            self._searchable = number

    def _note_lock(self) -> None:
        """Refuse further writes while a build or a merge holds the lock."""
        # Another process of this server holds it for less than a second.
        now = time.monotonic()
        self._locked_since = self._locked_since or now
        if now - self._locked_since > _LOCK_SECONDS:
            self._problem = IndexBusyError(_LOCKED, retry_after=int(_LOCK_SECONDS))
