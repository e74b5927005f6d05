"""Per-request stage timings for the access log, with the key and the texts of the request."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

__all__ = ["Trace", "begin_trace", "current_trace"]


@dataclass
class Trace:
    """Facts of one request for its line in the access log.

    Attributes:
        stages: Seconds spent in each stage, by its name.
        texts: The texts of its queries; logged only if a setting allows it.
        key: The name of the caller's API key.
    """

    stages: dict[str, float] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    key: str | None = None

    def add(self, stage: str, seconds: float) -> None:
        """Add time to a stage."""
        self.stages[stage] = self.stages.get(stage, 0.0) + seconds


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def begin_trace() -> Trace:
    """Start the trace of the current task, and of the tasks that it starts."""
    trace = Trace()
    _current.set(trace)
    return trace


def current_trace() -> Trace:
    """Return the trace of the current request; outside of requests, one that nothing reads."""
    return _current.get() or Trace()
