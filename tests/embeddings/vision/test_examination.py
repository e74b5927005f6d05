"""Examinations: keys, findings as JSON, and what is shown and encoded."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image

from embeddings import BrokenImageError, PictureRefusedError
from embeddings.vision import (
    Examination,
    FaceMode,
    Findings,
    FoundBox,
    ModerationMode,
    ReadLine,
    examination,
    find_faces,
)
from tests.embeddings.vision.images import portrait

MODES = [None, *FaceMode]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("moderation", [None, *ModerationMode])
@pytest.mark.parametrize("text", [None, False, True])
def test_a_key_gives_the_same_examination(
    mode: FaceMode | None, moderation: ModerationMode | None, text: bool | None
) -> None:
    one = Examination(faces=mode, moderation=moderation, text=text)
    assert Examination.from_key(one.key).key == one.key
    assert pickle.loads(pickle.dumps(one)) == one


def test_nothing_to_look_for_has_no_key_and_leaves_the_image_alone() -> None:
    for mode in (None, FaceMode.KEEP):
        assert Examination(faces=mode).key == ""
        image = portrait()
        examined = Examination(faces=mode)(image)
        assert examined.shown is image
        assert examined.encoded is image
        assert examined.findings is None
    assert Examination.from_key("faces=later holograms=on") == Examination()


def test_choices_that_are_open_are_the_former_ones() -> None:
    former = Examination(faces=FaceMode.BLUR)
    assert Examination().completed(former) == former
    assert Examination(faces=FaceMode.KEEP).completed(former).key == ""
    assert Examination(text=True).completed(former).key == "faces=blur text=on"
    assert Examination(text=False).completed(Examination(text=True)).key == ""


def test_blur_hides_a_face_from_people_alone() -> None:
    image = portrait()
    examined = Examination(faces=FaceMode.BLUR)(image)
    assert examined.encoded is image
    assert find_faces(examined.shown) == []
    assert examined.findings is not None
    assert len(examined.findings.faces) == 1


def test_drop_hides_it_from_the_encoder_too() -> None:
    drop = Examination(faces=FaceMode.DROP)
    examined = drop(portrait())
    assert find_faces(examined.shown) == []
    assert find_faces(examined.encoded) == []
    assert np.array_equal(np.asarray(drop.encoded(portrait())), np.asarray(examined.encoded))
    blur = Examination(faces=FaceMode.BLUR)
    image = portrait()
    assert blur.encoded(image) is image


def test_findings_are_the_same_after_storage() -> None:
    face = FoundBox((0.1, 0.2, 0.3, 0.4), 0.875)
    line = ReadLine("Größe 42", (0.0, 0.5, 1.0, 0.75), 0.99)
    for found in (
        Findings("faces=blur", (face,), 0.25, (line, line)),
        Findings("faces=blur", ()),
        Findings("text=on", lines=()),
        Findings("moderate=hold", unsafe=0.0),
        Findings(""),
    ):
        assert Findings.from_json(found.to_json()) == found
    assert Findings.from_json("") == Findings("")


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "3",
        '{"key": "", "faces": [[1]]}',
        '{"key": "", "lines": [["a", 1]]}',
        "{",
        "null",
    ],
)
def test_other_json_is_no_findings(text: str) -> None:
    with pytest.raises(ValueError):
        Findings.from_json(text)


def test_a_detector_that_fails_costs_that_image_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Image.Image, **__: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(examination, "cover_faces", fail)
    with pytest.raises(BrokenImageError, match="RuntimeError"):
        Examination(faces=FaceMode.BLUR)(portrait())
    with pytest.raises(BrokenImageError, match="RuntimeError"):
        Examination(faces=FaceMode.DROP).encoded(portrait())


def test_unfit_images_are_refused_where_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = Examination(moderation=ModerationMode.HOLD)
    image = portrait()
    assert refusing.encoded(image) is image
    monkeypatch.setattr(examination, "unsafe_score", lambda _: 0.81)
    with pytest.raises(PictureRefusedError):
        refusing.encoded(image)
    assert Examination(moderation=ModerationMode.REPORT).encoded(image) is image
