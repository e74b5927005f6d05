"""Write lock: one process writes an index at a time, by an advisory lock on a file."""

from __future__ import annotations

import fcntl
import os
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from indexer.errors import BuildError, BuildInterruptedError, IndexLockedError
from indexer.storage.layout import Layout

__all__ = ["exclusive_writing", "hold_write_lock"]

# What a server adds to its name as a holder. It holds the lock for less than a second at a time;
# others try again so often, for so long.
_SERVING = ", serving"
_SERVING_SECONDS, _POLL_SECONDS = 30.0, 0.005
# Characters of a holder's name that a message quotes.
_MAX_HOLDER = 200


@contextmanager
def hold_write_lock(layout: Layout, *, serving: bool = False) -> Iterator[None]:
    """Hold the index's write lock; the system frees it when the process ends, in whatever way.

    A server holds it for the moments in which it publishes what was written over HTTP. Others wait
    for that.

    Args:
        layout: Of the index folder, which is made if it does not exist.
        serving: Whether a server holds it; it waits for nobody.

    Raises:
        IndexLockedError: Another process holds it; the message names that process.
    """
    layout.root.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + (0 if serving else _SERVING_SECONDS)
    with layout.lock.open("a+") as file:
        while (holder := _lock(file)) is not None:
            if not holder.endswith(_SERVING) or time.monotonic() >= deadline:
                raise IndexLockedError(
                    f"The index is being written by {holder}. Wait until it is done, or stop it."
                )
            time.sleep(_POLL_SECONDS)
        file.truncate(0)
        role = _SERVING if serving else ""
        file.write(f"process {os.getpid()} on {socket.gethostname()}{role}")
        file.flush()
        yield


def _lock(file: TextIO) -> str | None:
    """Lock a file; return who holds it instead, or None."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        return file.read(_MAX_HOLDER).strip() or "another process"
    return None


@contextmanager
def exclusive_writing(layout: Layout) -> Iterator[None]:
    """Hold the write lock of an index, and report failures of writing as errors of the build.

    Args:
        layout: Of the index folder; it is made if missing.

    Raises:
        IndexLockedError: Another process is writing this index.
        BuildError: The index folder can't be written, as when the disk is full.
        BuildInterruptedError: On Ctrl-C.
    """
    try:
        with hold_write_lock(layout):
            yield
    except KeyboardInterrupt as error:
        raise BuildInterruptedError(
            "Stopped; nothing was published. Run the same command again."
        ) from error
    except (OSError, sqlite3.Error) as error:
        raise BuildError(
            f"The index folder {str(layout.root)!r} can't be written ({error}). The live "
            "generation is unchanged. Remove the cause and run the same command again."
        ) from error
