"""Fixtures of the tests of building."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.indexer.build.catalogs import write_many


@pytest.fixture
def no_confidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the images that fitting the calibration embeds, for tests that count."""
    monkeypatch.setattr("indexer.build.build.fit_confidence", lambda _index, _encoder: None)


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A catalog of 30 products, whose segment counts as large; returns its CSV file."""
    monkeypatch.setattr("indexer.build.update._SMALL", 20)
    return write_many(tmp_path / "many", 30)
