"""The quarantine file: one JSON object a line, replaced in one step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from indexer.build.reporting.quarantine import write_quarantine
from indexer.catalog import BadRow, Reason

ROWS = [
    BadRow(2, "röd", Reason.NO_IMAGE, "the row has no image"),
    BadRow(5, None, Reason.MISSING_ID, "the row has no id"),
    BadRow(7, "x", "broken_image", "cut short"),
    BadRow(9, "y", "broken_image", "cut short", "image", "y.png"),
]


def test_every_row_is_a_line_and_reasons_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    reasons = write_quarantine(path, iter(ROWS))
    assert reasons == {"no_image": 1, "missing_id": 1, "broken_image": 2}
    lines = path.read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "line": row.line,
            "id": row.id,
            "reason": row.reason,
            "message": row.message,
            "column": row.column,
            "value": row.value,
            "file": None,
        }
        for row in ROWS
    ]
    assert "röd" in lines[0]


def test_a_failure_leaves_the_former_file(tmp_path: Path) -> None:
    path = tmp_path / "quarantine.jsonl"
    write_quarantine(path, ROWS[:1])
    before = path.read_bytes()

    def failing() -> object:
        yield ROWS[1]
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_quarantine(path, failing())  # type: ignore[arg-type]
    assert path.read_bytes() == before
