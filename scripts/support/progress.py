"""Progress of training: one line of mean losses every few steps."""

from __future__ import annotations

import time
from collections.abc import Mapping

__all__ = ["Progress"]


class Progress:
    """Prints mean losses of a stage.

    Attributes:
        every: Steps between lines.
    """

    def __init__(self, stage: str, steps: int, every: int) -> None:
        self.every = every
        self._stage, self._steps = stage, steps
        self._sums: dict[str, float] = {}
        self._count = 0
        self._started = time.monotonic()

    def add(self, step: int, losses: Mapping[str, float]) -> None:
        """Add the losses of a step, counted from 1."""
        self._count += 1
        for name, loss in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + loss
        if step % self.every == 0 or step == self._steps:
            shown = " ".join(f"{k[:8]} {v / self._count:.3f}" for k, v in self._sums.items())
            spent = time.monotonic() - self._started
            print(f"{self._stage} {step}/{self._steps} {shown} {spent:.0f} s", flush=True)
            self._sums, self._count = {}, 0
