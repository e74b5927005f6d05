"""Reading: words where they are, turned, of bounded cost; and nothing where nothing is written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image, ImageDraw, ImageFont

from embeddings import BrokenModelError, VisionUnavailableError
from embeddings.vision import check_reading, read_text, reading
from tests.embeddings.vision.images import noise


@pytest.fixture
def fresh() -> Iterator[None]:
    reading._reader.cache_clear()
    yield
    reading._reader.cache_clear()


def label(*lines: str, size: tuple[int, int] = (420, 200)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        font = ImageFont.load_default(36)
        draw.text((24, 24 + 80 * number), line, font=font, fill="black")
    return image


def test_lines_are_read_where_they_are_from_top_to_bottom() -> None:
    first, second = read_text(label("Organic Oat Drink", "Barista"))
    assert (first.text, second.text) == ("Organic Oat Drink", "Barista")
    assert first.box[3] < second.box[3]
    assert first.box[0] < 0.1
    assert 0.6 < first.box[2] < 0.95
    assert second.box[2] < 0.5
    assert 0.6 <= first.confidence <= 1


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_turned_text_is_read(angle: int) -> None:
    words = " ".join(line.text for line in read_text(label("Barista").rotate(angle, expand=True)))
    assert "Barista" in words


def test_another_size_has_the_same_words_and_boxes() -> None:
    small = label("Barista")
    (one,) = read_text(small)
    (other,) = read_text(small.resize((small.width * 6, small.height * 6)))
    assert one.text == other.text == "Barista"
    assert one.box == pytest.approx(other.box, abs=0.05)


def test_a_strip_keeps_its_words_in_place() -> None:
    strip = Image.new("RGB", (1500, 60), "white")
    ImageDraw.Draw(strip).text((1200, 8), "Barista", font=ImageFont.load_default(36), fill="black")
    (line,) = read_text(strip)
    assert line.text == "Barista"
    assert 0.75 < line.box[0] < line.box[2] < 0.95
    assert line.box[3] <= 1


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (300, 200), "white"),
        Image.new("RGB", (1, 3000), "red"),
        Image.new("RGB", (3000, 1), "red"),
        Image.new("RGB", (1, 1), "red"),
        noise(64, 64),
    ],
    ids=["white", "narrow", "flat", "one pixel", "noise"],
)
def test_nothing_is_read_where_nothing_is_written(image: Image.Image) -> None:
    assert read_text(image) == []


def test_what_the_reader_gets_is_bounded() -> None:
    for size in ((1, 40_000), (40_000, 1), (6000, 5000), (30, 3000)):
        pixels, _ = reading._bounded(Image.new("RGB", size))
        assert max(pixels.shape) <= 1600
        assert max(pixels.shape[:2]) <= 3 * min(pixels.shape[:2])


@pytest.mark.usefixtures("fresh")
def test_without_the_package_one_sentence_has_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PACKAGE", "rapidocr_that_is_not_there")
    for call in (check_reading, lambda: read_text(label("a"))):
        with pytest.raises(VisionUnavailableError, match=r"pip install 'lookalike\[vision\]'$"):
            call()


@pytest.mark.usefixtures("fresh")
def test_a_missing_model_file_is_named_and_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_MODELS", {**reading._MODELS, "Det": "other.onnx"})
    with pytest.raises(BrokenModelError, match="rapidocr is missing or damaged"):
        read_text(label("a"))
