"""Visits: who makes the request of the present task, what its route costs, and its charges."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from search_api.service.admission.costs import CostClass

__all__ = ["Visit", "begin_visit", "current_visit"]

# Work of a search for a few texts and images, with fewer hits than 400.
_HEAVY = 4.0


@dataclass
class Visit:
    """One request.

    Attributes:
        caller: The name of its key, or the group of addresses that it comes from.
        cost: The cost of its route.
        charge: Counts further work for the caller's rate limit.
        work: Its estimated work, in searches; known once it has entered.
        decoding: The work of decoding its images so far, in megapixels of a baseline JPEG.
    """

    caller: str = "local"
    cost: CostClass = CostClass.SEARCH
    charge: Callable[[float], None] = lambda _: None
    decoding: float = 0.0
    work: float = 1.0
    _at_end: list[Callable[[], None]] = field(default_factory=list)

    @property
    def is_heavy(self) -> bool:
        """Whether it must leave places to others."""
        return self.work > _HEAVY

    def at_end(self, function: Callable[[], None]) -> None:
        """Call a function when the request has ended."""
        self._at_end.append(function)

    def end(self) -> None:
        """Call what is to be called at the end."""
        while self._at_end:
            self._at_end.pop()()


_current: ContextVar[Visit | None] = ContextVar("visit", default=None)


def begin_visit(visit: Visit) -> None:
    """Set the visit of the current task, and of the tasks that it starts."""
    _current.set(visit)


def current_visit() -> Visit:
    """Return the visit of the current request; outside of requests, that of the service itself."""
    return _current.get() or Visit()
