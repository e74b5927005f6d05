"""Reports for people and machines: one table, or with `--json` one object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from scripts.support.measuring import Measure, Report

__all__ = ["as_json", "as_text", "shown_value"]


def as_json(report: Report, machine: Mapping[str, Any]) -> str:
    """Return the report as one line of JSON, in the shape that DESIGN.md fixes."""
    return json.dumps(
        {
            "measures": [_measure(measure) for measure in report.measures],
            "machine": {**machine, **report.about},
            "not_measured": [
                {"name": missing.name, "reason": missing.reason} for missing in report.not_measured
            ],
        }
    )


def _measure(measure: Measure) -> dict[str, Any]:
    more = {"interval": measure.interval, "note": measure.note}
    return {
        "name": measure.name,
        "value": measure.value,
        "target": measure.target,
        "better": measure.better,
        "ok": measure.ok,
        **{key: value for key, value in more.items() if value is not None},
    }


def as_text(report: Report, machine: Mapping[str, Any]) -> str:
    """Return the report as a table, followed by what is missing and by the machine."""
    names = [measure.name for measure in report.measures]
    names += [missing.name for missing in report.not_measured]
    width = max(map(len, [*names, "measure"])) + 2
    lines = [f"{'measure':{width}}{'value':>10}{'target':>10}"]
    for measure in report.measures:
        target = "-" if measure.target is None else shown_value(measure.target)
        verdict = {True: "  reached", False: "  missed", None: ""}[measure.ok]
        notes = [measure.note] if measure.note else []
        if measure.interval is not None:
            notes.insert(0, "95% {} to {}".format(*map(shown_value, measure.interval)))
        note = f"  ({'; '.join(notes)})" if notes else ""
        lines.append(
            f"{measure.name:{width}}{shown_value(measure.value):>10}{target:>10}{verdict}{note}"
        )
    lines += [
        f"{missing.name:{width}}not measured: {missing.reason}" for missing in report.not_measured
    ]
    about = {**machine, **report.about}
    lines.append(", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in about.items()))
    return "\n".join(lines)


def shown_value(value: float) -> str:
    """Return a figure with as many digits as it deserves: 3 decimals for shares, else fewer.

    >>> [shown_value(value) for value in (0.0, 0.69312, 1.0, 12.345, 35598.0)]
    ['0', '0.693', '1.000', '12.3', '35,598']
    """
    if value == 0 or (float(value).is_integer() and abs(value) > 1):
        return f"{value:,.0f}"
    size = abs(value)
    return f"{value:.3f}" if size < 10 else f"{value:.1f}" if size < 100 else f"{value:,.0f}"
