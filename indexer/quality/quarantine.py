"""Quarantine: the rows and images that the last build could not use, by reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from indexer.quality.health_facts import Refusal, RefusalKind
from indexer.storage import Layout

__all__ = ["read_quarantine"]


def read_quarantine(path: Path) -> tuple[RefusalKind, ...]:
    """Return what the last build refused, the most frequent reason first.

    Args:
        path: The index folder; without a `quarantine.jsonl` nothing was refused.
    """
    by_reason: dict[str, list[Refusal]] = {}
    for reason, refusal in _refusals(Layout(path).quarantine):
        by_reason.setdefault(reason, []).append(refusal)
    kinds = [RefusalKind(reason, tuple(refusals)) for reason, refusals in by_reason.items()]
    return tuple(sorted(kinds, key=lambda kind: -len(kind.refusals)))


def _refusals(path: Path) -> Iterator[tuple[str, Refusal]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            # An index of before has none of these.
            more = (row.get(name) for name in ("column", "value", "file"))
            yield str(row["reason"]), Refusal(row["line"], row["id"], row["message"], *more)
