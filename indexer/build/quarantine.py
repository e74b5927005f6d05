"""Writing down what of a catalog could not be indexed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from indexer.catalog import BadRow
from indexer.storage import sync_file, sync_folder

__all__ = ["write_quarantine"]


def write_quarantine(path: Path, refused: Iterable[BadRow]) -> Counter[str]:
    """Write rows, one JSON object a line, in one step; returns how many have which reason."""
    temporary = path.with_name(f".{path.name}.tmp")
    reasons: Counter[str] = Counter()
    with temporary.open("w", encoding="utf-8") as file:
        for row in refused:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
            reasons[str(row.reason)] += 1
    sync_file(temporary)
    temporary.replace(path)
    sync_folder(path.parent)
    return reasons
