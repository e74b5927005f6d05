"""Faces: found in a photo and nowhere else, and gone from what is stored."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from embeddings import BrokenModelError, VisionUnavailableError
from embeddings.vision import cover_faces, faceless_thumbnail, faces, find_faces, shipped
from tests.embeddings.vision.images import FACE, contains, crowd, noise, portrait


@pytest.fixture
def fresh() -> Iterator[None]:
    shipped._open.cache_clear()
    yield
    shipped._open.cache_clear()


def test_a_face_is_found_where_it_is() -> None:
    (face,) = find_faces(portrait())
    assert contains(face.box, FACE)
    assert face.confidence > 0.5
    assert 0.15 < face.box[2] - face.box[0] < 0.5


@pytest.mark.parametrize("size", [(500, 260), (260, 500)])
def test_a_face_is_found_beside_empty_space(size: tuple[int, int]) -> None:
    wide = Image.new("RGB", size, "white")
    wide.paste(portrait(), (0, 0))
    (face,) = find_faces(wide)
    assert contains(face.box, (FACE[0] * 256 / size[0], FACE[1] * 256 / size[1]))


@pytest.mark.parametrize(
    "image",
    [
        Image.new("RGB", (300, 200), "white"),
        Image.new("RGB", (300, 200), "black"),
        Image.new("RGB", (1, 400), "red"),
        Image.new("RGB", (400, 1), "red"),
        Image.new("RGB", (1, 1), "red"),
        noise(220, 160),
    ],
    ids=["white", "black", "narrow", "flat", "one pixel", "noise"],
)
def test_there_is_no_face_where_nobody_is(image: Image.Image) -> None:
    assert find_faces(image) == []
    covered, found = cover_faces(image)
    assert found == []
    assert covered is image


def test_a_smile_of_three_lines_is_no_face_or_a_covered_one() -> None:
    drawn = Image.new("RGB", (200, 200), "yellow")
    draw = ImageDraw.Draw(drawn)
    draw.ellipse((60, 70, 80, 90), fill="black")
    draw.ellipse((120, 70, 140, 90), fill="black")
    draw.arc((60, 80, 140, 150), 20, 160, fill="black", width=5)
    assert find_faces(cover_faces(drawn)[0]) == []


@pytest.mark.parametrize("fill", [False, True], ids=["blurred", "filled"])
def test_no_face_is_found_again(fill: bool) -> None:
    before = portrait()
    covered, (face,) = cover_faces(before, fill=fill)
    assert covered.size == before.size
    assert find_faces(covered) == []
    for longest in (320, 200, 100, 48):
        stored = Image.open(io.BytesIO(faceless_thumbnail(covered, longest))).convert("RGB")
        assert find_faces(stored) == []
    changed = np.abs(np.asarray(before, int) - np.asarray(covered, int)).sum(2) > 0
    assert changed[int(FACE[1] * 256), int(FACE[0] * 256)]
    assert not changed[200:, :].any()  # the rest of the picture is as it was
    assert face.confidence > 0.5


def test_a_filled_face_has_one_colour_and_a_blurred_one_no_detail() -> None:
    left, top, right, bottom = (int(v * 256) for v in find_faces(portrait())[0].box)
    inside = (left + 8, top + 8, right - 8, bottom - 8)

    def detail(image: Image.Image) -> float:
        grey = np.asarray(image.convert("L").crop(inside), float)
        return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean())

    before = detail(portrait())
    assert detail(cover_faces(portrait())[0]) < before / 3
    assert detail(cover_faces(portrait(), fill=True)[0]) == 0


def test_all_faces_of_a_crowd_are_covered() -> None:
    image = crowd(4, 3, 90)
    covered, found = cover_faces(image)
    assert len(found) >= 6
    assert find_faces(covered) == []


def test_faces_at_the_edge_are_covered() -> None:
    image = portrait().crop((85, 30, 256, 256))
    covered, found = cover_faces(image)
    assert found
    assert find_faces(covered) == []


@pytest.mark.usefixtures("fresh")
def test_a_foreign_model_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "_DATA", tmp_path)
    whole = faces.FACE_MODEL.path
    with pytest.raises(BrokenModelError, match="missing or damaged"):
        find_faces(portrait())
    whole.write_bytes(b"TFL3 but another")
    with pytest.raises(BrokenModelError, match="pip install --force-reinstall"):
        find_faces(portrait())


@pytest.mark.usefixtures("fresh")
def test_without_a_runtime_one_sentence_has_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "installed_runtimes", lambda: ("onnx",))
    with pytest.raises(VisionUnavailableError, match=r"pip install 'lookalike\[vision\]'"):
        find_faces(portrait())


def test_a_model_of_another_content_is_another_model() -> None:
    other = replace(faces.FACE_MODEL, sha256="0" * 64)
    with pytest.raises(BrokenModelError):
        shipped.open_shipped(other)
