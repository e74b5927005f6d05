"""Write lock: one process writes an index at a time, by an advisory lock on a file."""

from __future__ import annotations

import fcntl
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from indexer.errors import BuildError, BuildInterruptedError, IndexLockedError
from indexer.storage.layout import Layout

__all__ = ["exclusive_writing", "hold_write_lock"]

# Characters of a holder's name that a message quotes.
_MAX_HOLDER = 200


@contextmanager
def hold_write_lock(layout: Layout) -> Iterator[None]:
    """Hold the index's write lock; the system frees it when the process ends, in whatever way.

    Args:
        layout: Of the index folder, which is made if it does not exist.

    Raises:
        IndexLockedError: Another process holds it; the message names that process.
    """
    layout.root.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read(_MAX_HOLDER).strip() or "another process"
            raise IndexLockedError(
                f"The index is being written by {holder}. Wait until it is done, or stop it."
            ) from error
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        yield


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
