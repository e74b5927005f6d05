"""A single thread that computes for all callers, one call after another."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

__all__ = ["InferenceThread"]

P = ParamSpec("P")
T = TypeVar("T")


class InferenceThread:
    """Runs functions on one daemon thread, whichever thread calls them.

    The thread starts with the first call. `ThreadPoolExecutor(max_workers=1)` would be shorter, but
    the interpreter joins its worker at exit: a model that hangs would keep the process alive.

    Args:
        name: The thread's name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def wrap(self, function: Callable[P, T]) -> Callable[P, T]:
        """Return `function` made to run on this thread; usable as a decorator.

        The caller waits for the result or the exception. A call from this thread runs directly,
        since waiting for itself would never end.
        """

        @functools.wraps(function)
        def run_on_thread(*args: P.args, **kwargs: P.kwargs) -> T:
            if threading.current_thread() is self._thread:
                return function(*args, **kwargs)
            future: Future[T] = Future()
            self._calls.put((lambda: function(*args, **kwargs), future))
            self._start()
            return future.result()

        return run_on_thread

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            call, future = self._calls.get()
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001  the caller raises it
                future.set_exception(error)
            del call, future  # or the last arguments and result stay alive until the next call
