"""What every script that measures prints: one table, or with --json one object."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Measure", "machine", "show"]


@dataclass(frozen=True)
class Measure:
    """One figure.

    Attributes:
        name: As the table that asks for it has it.
        value: None where it could not be measured; then there is a reason.
        target: What it is to reach, if anything.
        better: `higher` or `lower`.
        reason: Why there is no value.
        floor: What it must not fall below (or above, where lower is better), if anything.
    """

    name: str
    value: float | None
    target: float | None = None
    better: str = "higher"
    reason: str | None = None
    floor: float | None = None

    @property
    def ok(self) -> bool | None:
        """Whether the target is reached; None without a value or a target."""
        if self.value is None or self.target is None:
            return None
        return self.value >= self.target if self.better == "higher" else self.value <= self.target


def machine(**more: Any) -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "cpu_count": os.cpu_count(),
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        **more,
    }


def show(measures: Sequence[Measure], about: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the figures and the machine."""
    if as_json:
        rows = [{**asdict(measure), "ok": measure.ok} for measure in measures]
        print(json.dumps({"measures": rows, "machine": about}))
        return
    print(f"{'measure':38}{'value':>10}{'floor':>9}{'target':>9}")
    for measure in measures:
        numbers = (measure.value, measure.floor, measure.target)
        shown = ["-" if number is None else f"{number:.4g}" for number in numbers]
        mark = {True: "  reached", False: "  missed", None: ""}[measure.ok]
        reason = f"  ({measure.reason})" if measure.reason else ""
        print(f"{measure.name:38}{shown[0]:>10}{shown[1]:>9}{shown[2]:>9}{mark}{reason}")
    print(", ".join(f"{key} {value}" for key, value in about.items()))
