"""A thread that runs work for all others, one piece after the other."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

__all__ = ["OneThread"]

P = ParamSpec("P")
T = TypeVar("T")


class OneThread:
    """Runs functions on one thread, whichever thread calls them; it starts with the first call.

    The thread does not keep the process from ending, even where its work never does.

    Args:
        name: Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def runs(self, function: Callable[P, T]) -> Callable[P, T]:
        """A decorator: the function runs here, and its caller waits for what it returns or raises.

        What runs here already calls it straight.
        """

        @functools.wraps(function)
        def on_thread(*arguments: P.args, **named: P.kwargs) -> T:
            if threading.current_thread() is self._thread:
                return function(*arguments, **named)
            future: Future[T] = Future()
            self._work.put((lambda: function(*arguments, **named), future))
            self._start()
            return future.result()

        return on_thread

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            work, future = self._work.get()
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
            del work, future  # or the last arguments and result stay until the next call
