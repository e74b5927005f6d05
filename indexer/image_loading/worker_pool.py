"""A pool of worker processes that is made anew when it breaks."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

from pebble import ProcessPool

__all__ = ["WorkerPool"]


class WorkerPool:
    """Runs tasks in processes, whatever happens to a process.

    pebble replaces a process that dies at its task. But it gives the whole pool up if one dies
    while no task runs, such as an idle process that the system kills for memory (5.1). Then the
    tasks in progress fail with `BrokenProcessPool`, and the next one gets new processes.

    Args:
        make: Makes a pool.

    Attributes:
        worked: Whether any task was completed: the processes can start here.
    """

    def __init__(self, make: Callable[[], ProcessPool]) -> None:
        self.worked = False
        self._make = make
        self._lock = threading.Lock()
        self._pool = make()

    def schedule(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        timeout: float,
        **options: Any,
    ) -> Future[Any]:
        """Run a function in a process; after `timeout` seconds the process is replaced."""
        with self._lock, _interrupts_blocked():
            if self.worked and not self._pool.active:
                self._end(self._pool)
                self._pool = self._make()
            future: Future[Any] = self._pool.schedule(
                function, args=list(args), kwargs=options, timeout=timeout
            )
        future.add_done_callback(self._note)
        return future

    def close(self) -> None:
        """End the processes, even while they work."""
        with self._lock:
            self._end(self._pool)

    def _end(self, pool: ProcessPool) -> None:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()

    def _note(self, future: Future[Any]) -> None:
        if not future.cancelled() and future.exception() is None:
            self.worked = True


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block SIGINT for this thread, the pool's threads that it starts, and so for the processes.

    Ctrl-C goes to all processes of a terminal. One that was just starting printed a traceback. The
    tracker runs before, since its start unblocks the signal (Python 3.11).
    """
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
