"""What is noted of one request on its way, for its line in the log."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

__all__ = ["Trace", "begin_trace", "current_trace"]


@dataclass
class Trace:
    """Notes of one request.

    Attributes:
        stages: Seconds spent in each stage, by its name.
        texts: The words that were searched for; logged only where a setting says so.
        key: The name of the caller's key.
    """

    stages: dict[str, float] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    key: str | None = None

    def add(self, stage: str, seconds: float) -> None:
        """Count time; a stage that is gone through twice takes the sum."""
        self.stages[stage] = self.stages.get(stage, 0.0) + seconds


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def begin_trace() -> Trace:
    """A new trace, from now on the current one of this task and of those it starts."""
    trace = Trace()
    _current.set(trace)
    return trace


def current_trace() -> Trace:
    """The trace of the request under way; outside of requests one that nobody reads."""
    return _current.get() or Trace()
