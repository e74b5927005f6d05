"""A clock that a test turns."""

from __future__ import annotations

__all__ = ["Clock"]


class Clock:
    """Seconds that pass only when a test says so; in place of `time.monotonic`."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
