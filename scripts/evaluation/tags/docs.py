"""The table of figures in a page of the docs, written anew between two marks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scripts.support.measuring import Measure

__all__ = ["write_figures"]

_BEGIN, _END = "<!-- figures: scripts/evaluate_tags.py --docs -->", "<!-- end of figures -->"


def write_figures(page: Path, measures: Sequence[Measure]) -> None:
    """Put a table of measures between the page's marks, or with them at its end."""
    rows = ["| measure | value | target |", "|---|---|---|"]
    for measure in measures:
        value = measure.reason if measure.value is None else f"{measure.value:.3f}"
        target = "-" if measure.target is None else f"{measure.target:g}"
        rows.append(f"| {measure.name.replace('_', ' ')} | {value} | {target} |")
    table = "\n".join([_BEGIN, *rows, _END])
    text = page.read_text("utf-8")
    if _BEGIN in text:
        before, _, rest = text.partition(_BEGIN)
        text = before + table + rest.partition(_END)[2]
    else:
        text = f"{text.rstrip()}\n\n{table}\n"
    page.write_text(text, "utf-8")
