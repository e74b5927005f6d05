"""Supervision of a serving process: if it dies, another one takes its place on the same port.

A large file of the index is mapped. When it is cut short, reading it kills the process, and nothing
can prevent that. The supervisor imports little, so it costs a few megabytes, and connections that
come between two processes wait in the socket's queue.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess

from embeddings import LookalikeError
from search_api import console
from search_api.service.server.listening import listen

__all__ = ["Supervised", "supervise"]

# Seconds after which a process that was told to stop, and has drained, is killed.
_STOP_SECONDS = 9.0
_STOPPING = (signal.SIGTERM, signal.SIGINT)
# What takes long to import, without the model.
_PREPARED = ("search_api.service.app", "indexer.index.index", "uvicorn.protocols.http.auto")
# Seconds between two tries to start a process after one that did not get ready: each twice the one
# before, so that a folder which is gone does not cost a processor until it is back.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
# Seconds between two looks at the process.
_LOOK_SECONDS = 0.25
# Seconds between two signals; Ctrl-C is passed on as two SIGTERM, which skip the draining.
_BETWEEN_SIGNALS = 0.05


@dataclass(frozen=True)
class Supervised:
    """What a serving process is given.

    Attributes:
        listening: The socket.
        restarts: How many processes before this one have died.
        is_ready: To be called once it can serve, with the seconds that it drains before it stops,
            and whether it reads mapped files, which another program can make it die of.
    """

    listening: socket.socket
    restarts: int
    is_ready: Callable[[float, bool], None]


def supervise(work: Callable[[Supervised], None], host: str, port: int) -> None:
    """Serve in a process of its own until SIGINT or SIGTERM; replace a process that dies.

    Args:
        work: Serves, in the process.
        host: Address to listen on.
        port: Port to listen on; 0 for a free one.

    Raises:
        ServeError: The address is not available.
        SystemExit: The first process could not start; it has said why.
    """
    supervisor = _Supervisor(work, listen(host, port))
    before = {number: signal.signal(number, supervisor.stop) for number in _STOPPING}
    try:
        supervisor.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Supervisor:
    def __init__(self, work: Callable[[Supervised], None], listening: socket.socket) -> None:
        self._work = work
        self._listening = listening
        self._process: ForkProcess | None = None
        self._stop_at: float | None = None
        self._stop_seconds = _STOP_SECONDS

    def stop(self, number: int, _: object) -> None:
        """Tell the process to stop; a handler of signals."""
        if self._stop_at is None:
            self._stop_at = time.monotonic() + self._stop_seconds
            self._listening.close()
        self._signal()
        if number == signal.SIGINT:
            time.sleep(_BETWEEN_SIGNALS)
            self._signal()

    def run(self) -> None:
        """Keep a process running until it is told to stop."""
        was_ready, restarts, pause = False, 0, _FIRST_PAUSE
        while not self._is_stopping():
            ready, exit_code = self._run_one(restarts)
            if self._is_stopping():
                return
            if not ready and not was_ready:
                sys.exit(exit_code if exit_code > 0 else 1)
            _tell_of_death(exit_code)
            was_ready, restarts = True, restarts + 1
            if ready:
                pause = _FIRST_PAUSE
            else:
                self._wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _wait(self, seconds: float) -> None:
        """Wait, but no longer than until it is told to stop."""
        end = time.monotonic() + seconds
        while not self._is_stopping() and time.monotonic() < end:
            time.sleep(_LOOK_SECONDS)

    def _is_stopping(self) -> bool:
        return self._stop_at is not None

    def _run_one(self, restarts: int) -> tuple[bool, int]:
        """Run a process to its end; return whether it was ready, and its exit code."""
        here, there = multiprocessing.Pipe()
        # Signals of the time in between are delivered below, to the right process.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        process = multiprocessing.get_context("fork").Process(
            target=_serve, args=(self._work, self._listening, restarts, here, there)
        )
        process.start()
        self._process = process
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
        there.close()
        ready = False
        while wait([process.sentinel], timeout=_LOOK_SECONDS) == []:
            ready = ready or self._hear(here)
            if self._stop_at is not None and time.monotonic() > self._stop_at:
                process.kill()
        process.join()
        ready = ready or self._hear(here)
        here.close()
        return ready, process.exitcode or 0

    def _hear(self, process: Connection) -> bool:
        """Return whether the process says that it is ready."""
        if not process.poll():
            return False
        try:
            drain_seconds, maps_files = process.recv()
        except EOFError:
            return False
        self._stop_seconds = _STOP_SECONDS + drain_seconds
        if maps_files:
            _prepare_to_replace()
        return True

    def _signal(self) -> None:
        if self._process is not None and self._process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)


def _serve(
    work: Callable[[Supervised], None],
    listening: socket.socket,
    restarts: int,
    supervisors: Connection,
    own: Connection,
) -> None:
    """Serve in this new process; an error becomes one line on standard error."""
    supervisors.close()
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor passes it on
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
    threading.Thread(target=_end_with, args=[own], daemon=True).start()
    try:
        work(Supervised(listening, restarts, lambda *ready: own.send(ready)))
    except LookalikeError as error:
        console.error(error.message)
        sys.exit(1)
    except OSError as error:
        console.error(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(0)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _end_with(supervisor: Connection) -> None:
    """Stop this process when its supervisor is gone."""
    with suppress(EOFError, OSError):
        supervisor.recv()
    os.kill(os.getpid(), signal.SIGTERM)


def _prepare_to_replace() -> None:
    """Import what a new process needs, which then takes half the time to be ready."""
    for name in _PREPARED:
        import_module(name)


def _tell_of_death(exit_code: int) -> None:
    reason = f"status {exit_code}"
    if exit_code < 0:
        reason = signal.Signals(-exit_code).name
    if exit_code == -signal.SIGBUS:
        reason += " (a file was cut while it was read)"
    console.note(f"The serving process ended with {reason}; another one takes its place.")
