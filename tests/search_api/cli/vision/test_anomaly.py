"""`lookalike anomaly fit` and `score`: files, verdicts, heat maps, and wrong input."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.indexer.anomaly.test_model import good, product
from tests.support.processes import Cli, error_line, only_json


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    (folder / "good").mkdir()
    (folder / "heat").mkdir()
    for number in range(8):
        good(product(3)).save(folder / "good" / f"{number}.png")
    bad = good(product(3))
    ImageDraw.Draw(bad).ellipse((70, 70, 120, 120), fill="black")
    bad.save(folder / "bad.png")
    return folder


def test_fit_and_score(fake_cli: Cli, samples: Path) -> None:
    fitted = only_json(
        fake_cli("anomaly", "fit", samples / "good", "--out", samples / "model", "--json")
    )
    assert (fitted["images"], fitted["unreadable"]) == (8, 0)
    score = ("anomaly", "score", "--model", samples / "model")
    fine = only_json(fake_cli(*score, samples / "good" / "1.png", "--json"))
    assert fine["images"][0]["anomalous"] is False
    done = fake_cli(*score, samples / "bad.png", "--heat", samples / "heat")
    assert done.returncode == 1
    assert "anomaly" in done.stdout
    with Image.open(samples / "heat" / "bad.heat.png") as heat:
        assert heat.size == (192, 192)


def test_wrong_input_is_one_line(fake_cli: Cli, samples: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    none = fake_cli("anomaly", "fit", tmp_path / "empty", "--out", tmp_path / "model")
    assert "too few" in error_line(none)
    file = fake_cli("anomaly", "fit", samples / "bad.png", "--out", tmp_path / "model")
    assert "is no folder" in error_line(file, 2)
    model = fake_cli("anomaly", "score", samples / "bad.png", "--model", samples / "bad.png")
    assert "no model of anomalies" in error_line(model)
