"""Quarantine: the list of catalog rows and images that could not be indexed, with reasons."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from indexer.catalog import BadRow, FieldTyper, Place, Reason, quote_for_message
from indexer.errors import RowError
from indexer.storage import replace_file

__all__ = ["odd_rows", "write_quarantine"]


def write_quarantine(
    path: Path, refused: Iterable[BadRow], place: Callable[[int], Place] = Place
) -> Counter[str]:
    """Write rows to a file, one JSON object a line, in one step.

    Args:
        path: The file.
        refused: The rows.
        place: Tells the line and the file of a row by its line.

    Returns:
        The number of rows for each reason.
    """
    reasons: Counter[str] = Counter()

    def lines() -> Iterator[bytes]:
        for row in refused:
            reasons[str(row.reason)] += 1
            line, file = place(row.line)
            written = {**asdict(row), "line": line, "file": file}
            yield json.dumps(written, ensure_ascii=False).encode() + b"\n"

    replace_file(path, lines())
    return reasons


def odd_rows(typer: FieldTyper) -> Iterator[BadRow]:
    """Yield the values that do not fit their fields; their products are indexed without them."""
    types = typer.types()
    for odd in typer.odd_values():
        message = (
            f"column {quote_for_message(odd.field)} holds values of type {types[odd.field]} and "
            f"here {quote_for_message(odd.value)}; the product is indexed without it; correct the "
            "value, or decide the type with --types"
        )
        problem = RowError(Reason.ODD_VALUE, message).at(odd.field, odd.value)
        yield BadRow.of(odd.line, odd.id, problem)
