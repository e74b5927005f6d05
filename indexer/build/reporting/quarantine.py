"""Quarantine: the list of catalog rows and images that could not be indexed, with reasons."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from indexer.catalog import BadRow
from indexer.storage import replace_file

__all__ = ["write_quarantine"]


def write_quarantine(path: Path, refused: Iterable[BadRow]) -> Counter[str]:
    """Write rows to a file, one JSON object a line, in one step.

    Returns:
        The number of rows for each reason.
    """
    reasons: Counter[str] = Counter()

    def lines() -> Iterator[bytes]:
        for row in refused:
            reasons[str(row.reason)] += 1
            yield json.dumps(asdict(row), ensure_ascii=False).encode() + b"\n"

    replace_file(path, lines())
    return reasons
