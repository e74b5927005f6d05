"""The confidence of an updated index: kept by small updates, fitted anew by large ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from embeddings import FakeEncoder, FloatArray, PixelArray
from indexer.build import merge
from indexer.calibration import Confidence, fit_confidence
from indexer.index import Index
from tests.indexer.build.catalogs import build, edit, no_encoder


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of products of each fit."""
    fitted: list[int] = []

    def counting(index: Index, encoder: FakeEncoder) -> Confidence:
        fitted.append(index.manifest.products)
        return fit_confidence(index, encoder)

    monkeypatch.setattr("indexer.build.build.fit_confidence", counting)
    return fitted


class UnusedEncoder(FakeEncoder):
    """Fails where it has to compute."""

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        raise AssertionError(f"{len(pixels)} images to embed")

    def encode_texts(self, texts: Sequence[str]) -> FloatArray:
        raise AssertionError(f"{texts} to embed")


def confidence(index: Path) -> dict[str, Any]:
    return dict(Index.open(index).manifest.confidence or {})


def test_a_small_update_keeps_the_fit_and_a_large_one_fits_anew(
    many: Path, tmp_path: Path, fits: list[int]
) -> None:
    index = tmp_path / "index"
    build(many, index)
    first = confidence(index)
    assert first["fitted"] == {"products": 30, "touched": 0}

    edit(many, "p7,7.bmp,7\n", "p7,7.bmp,7000\n")  # 1 of 30: below the share
    assert build(many, index).published
    assert confidence(index) == {**first, "fitted": {"products": 30, "touched": 1}}

    edit(many, "p3,3.bmp,3\n", "")  # 2 of 30 since the fit
    assert build(many, index).published
    assert confidence(index)["fitted"] == {"products": 29, "touched": 0}
    assert fits == [30, 29]


@pytest.mark.parametrize("difference", ["encoder", "text weight", "field", "version"])
def test_what_moves_every_score_fits_anew(
    many: Path, tmp_path: Path, fits: list[int], monkeypatch: pytest.MonkeyPatch, difference: str
) -> None:
    index = tmp_path / "index"
    if difference == "version":  # an older one did not count
        monkeypatch.setattr("indexer.build.build.mark_as_fitted", lambda values, _: values)
    build(many, index, text_weight=0.0)
    encoder = FakeEncoder(fingerprint="another" if difference == "encoder" else "fake")
    if difference == "field":
        edit(many, "id,image,n", "id,image,number")
    if difference == "version":
        edit(many, "p7,7.bmp,7\n", "p7,7.bmp,7000\n")
    weight = 0.5 if difference == "text weight" else 0.0
    assert build(many, index, encoder, text_weight=weight).published
    assert fits == [30, 30]


def test_a_build_of_what_did_not_change_uses_no_model(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    report = build(many, index, UnusedEncoder())
    assert (report.published, report.generation, report.reused) == (False, 1, 30)
    edit(many, "p3,3.bmp,3\n", "")
    assert build(many, index, UnusedEncoder()).published  # nothing is embedded to delete, either


def test_merging_keeps_the_fit_and_its_count(many: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build(many, index)
    edit(many, "p7,7.bmp,7\n", "p7,7.bmp,7000\n")
    build(many, index)
    before = confidence(index)
    assert merge(index, no_encoder).merged == 2
    assert confidence(index) == before
