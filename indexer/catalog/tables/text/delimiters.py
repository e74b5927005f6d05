"""Delimiters: the character between cells, found by looking at the first lines."""

from __future__ import annotations

import contextlib
import csv
import re
from collections.abc import Sequence

__all__ = ["find_delimiter", "named_delimiter"]

_CANDIDATES = (",", ";", "\t", "|")
# Excel writes and reads a first line that names the delimiter.
_NAMED = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
# Shares of rows that are closer than this say the same.
_CLOSE = 0.05


def named_delimiter(line: str) -> str | None:
    """Return the delimiter that a first line such as `sep=;` names."""
    found = _NAMED.fullmatch(line)
    return found.group(1) if found else None


def find_delimiter(lines: Sequence[str], preferred: str) -> str:
    """Return the character that splits the lines into rows of the header's width.

    Of two that do, the one that gives more columns is taken.

    Args:
        lines: The first lines of a file, the header among them.
        preferred: The one that the file's name suggests; taken where no other fits better.
    """
    best, best_share, best_width = preferred, 0.0, 1
    for mark in (preferred, *(mark for mark in _CANDIDATES if mark != preferred)):
        width, share = _fit(lines, mark)
        if width < 2:  # noqa: PLR2004 - one column is what any character gives
            continue
        closer = share > best_share + _CLOSE
        wider = share > best_share - _CLOSE and width > best_width
        if closer or wider:
            best, best_share, best_width = mark, share, width
    return best


def _fit(lines: Sequence[str], mark: str) -> tuple[int, float]:
    """Return the number of columns that a delimiter gives, and the share of rows that have it."""
    # Cells between tabs are rarely quoted, and often begin with a quote.
    rows = [line.split(mark) for line in lines if line.strip()]
    if mark != "\t":
        with contextlib.suppress(csv.Error):
            rows = [row for row in csv.reader(lines, delimiter=mark) if any(row)]
    if not rows:
        return 1, 0.0
    width = len(rows[0])
    return width, sum(len(row) == width for row in rows) / len(rows)
