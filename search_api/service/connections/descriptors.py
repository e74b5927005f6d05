"""Open files of a process: how many connections leave enough of them for its own work."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path

__all__ = ["connections_that_fit"]

# Share of the descriptors that is kept for the index, uploads, fetches and decoding processes.
_SPARE_SHARE = 4
_LEAST_CONNECTIONS = 16
# Open files where the system does not list them.
_USUALLY_OPEN = 64


def connections_that_fit(most: int) -> int:
    """Return how many connections the process can hold; it raises its soft limit for that.

    Args:
        most: As many as are wanted.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and (hard == resource.RLIM_INFINITY or soft < hard):
        wanted = 2 * most + soft
        raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return most
    free = soft - _open_files() - soft // _SPARE_SHARE
    return max(_LEAST_CONNECTIONS, min(most, free))


def _open_files() -> int:
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        return _USUALLY_OPEN
