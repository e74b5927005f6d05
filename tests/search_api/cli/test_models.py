"""`lookalike models`."""

from __future__ import annotations

from dataclasses import asdict

from embeddings import MODELS
from tests.support.processes import Cli, only_json


def test_json(fake_cli: Cli) -> None:
    rows = only_json(fake_cli("models", "--json"))["models"]
    expected = [asdict(model) for model in MODELS]
    for row in expected:
        row.pop("sha256")
    assert rows == expected


def test_table(fake_cli: Cli) -> None:
    done = fake_cli("models")
    assert done.returncode == 0
    header, *rows = [line.split() for line in done.stdout.splitlines()]
    assert header == ["model", "download", "dimensions", "for"]
    assert [row[0] for row in rows] == [model.name for model in MODELS]
    assert "open_clip" in done.stderr
