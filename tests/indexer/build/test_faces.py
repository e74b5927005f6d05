"""Builds with faces: what is stored, what the encoder sees, and changes of the mode."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from embeddings.vision import Examination, FaceMode, Findings, find_faces
from indexer.build import merge
from indexer.errors import BuildError
from indexer.index import Index
from indexer.storage import Layout
from tests.embeddings.vision.images import PORTRAIT
from tests.indexer.build.catalogs import build, no_encoder

BLUR = Examination(faces=FaceMode.BLUR)
DROP = Examination(faces=FaceMode.DROP)
KEEP = Examination(faces=FaceMode.KEEP)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    folder = tmp_path / "people"
    folder.mkdir()
    (folder / "worn.jpg").write_bytes(PORTRAIT.read_bytes())
    Image.new("RGB", (90, 60), "teal").save(folder / "plain.png")
    return folder


def faces_in(index: Path, product: str = "worn.jpg") -> int:
    content = Index.open(index).thumbnail(product, 0)
    return len(find_faces(Image.open(io.BytesIO(content)).convert("RGB")))


def findings(index: Path) -> dict[str, Findings]:
    opened = Index.open(index)
    found = {}
    for segment in opened.segments:
        for row in range(segment.record.products):
            (image,) = segment.image_rows(row)
            found[segment.product_id(row)] = Findings.from_json(segment.findings(image))
    return found


@pytest.fixture
def ids(people: Path, tmp_path: Path) -> tuple[str, str]:
    """The ids of the product with a face, and of the other."""
    build(people, tmp_path / "ids")
    names = sorted(findings(tmp_path / "ids"))
    assert len(names) == 2
    return names[1], names[0]


@pytest.mark.parametrize("workers", [0, 1], ids=["here", "in a worker"])
@pytest.mark.parametrize("mode", [BLUR, DROP], ids=["blur", "drop"])
def test_no_face_is_stored(
    people: Path, tmp_path: Path, ids: tuple[str, str], mode: Examination, workers: int
) -> None:
    worn, plain = ids
    build(people, tmp_path / "kept")
    assert faces_in(tmp_path / "kept", worn) == 1
    build(people, tmp_path / "index", examination=mode, workers=workers)
    assert faces_in(tmp_path / "index", worn) == 0
    found = findings(tmp_path / "index")
    assert len(found[worn].faces) == 1
    assert found[plain].faces == ()
    assert Index.open(tmp_path / "index").manifest.examination == mode.key


def test_only_drop_changes_what_the_encoder_sees(
    people: Path, tmp_path: Path, ids: tuple[str, str]
) -> None:
    vectors = {}
    for name, mode in {"keep": KEEP, "blur": BLUR, "drop": DROP}.items():
        build(people, tmp_path / name, examination=mode)
        index = Index.open(tmp_path / name)
        vectors[name] = [index.vector(product).tolist() for product in ids]
    assert vectors["blur"] == vectors["keep"]
    assert vectors["drop"][0] != vectors["keep"][0]
    assert vectors["drop"][1] == vectors["keep"][1]


def test_without_an_examination_the_files_are_as_before(people: Path, tmp_path: Path) -> None:
    build(people, tmp_path / "index", examination=KEEP)
    manifest = Layout(tmp_path / "index").manifest(1).read_text()
    assert "examination" not in manifest
    (segment,) = Index.open(tmp_path / "index").segments
    assert segment.findings(0) == ""
    assert "findings" not in segment._files.images.column_names


def test_an_update_looks_for_what_the_index_looked_for(
    people: Path, tmp_path: Path, ids: tuple[str, str]
) -> None:
    build(people, tmp_path / "index", examination=BLUR)
    (people / "new.jpg").write_bytes(PORTRAIT.read_bytes() + b"\0")
    report = build(people, tmp_path / "index")
    assert (report.embedded, report.added) == (1, 1)
    found = findings(tmp_path / "index")
    assert sorted(len(each.faces) for each in found.values()) == [0, 1, 1]
    assert all(faces_in(tmp_path / "index", product) == 0 for product in found)


def test_another_mode_stores_every_image_anew(
    people: Path, tmp_path: Path, ids: tuple[str, str]
) -> None:
    worn, _ = ids
    build(people, tmp_path / "index")
    for mode, faces in ((BLUR, 0), (DROP, 0), (KEEP, 1), (BLUR, 0)):
        report = build(people, tmp_path / "index", examination=mode)
        assert (report.embedded, report.changed, report.published) == (2, 2, True)
        assert faces_in(tmp_path / "index", worn) == faces
        again = build(people, tmp_path / "index", examination=mode)
        assert (again.embedded, again.published) == (0, False)


def test_missing_products_are_not_kept_unseen(people: Path, tmp_path: Path) -> None:
    build(people, tmp_path / "index")
    (people / "worn.jpg").unlink()
    with pytest.raises(BuildError, match="Build without --keep-missing"):
        build(people, tmp_path / "index", examination=BLUR, keep_missing=True)
    report = build(people, tmp_path / "index", examination=BLUR)
    assert report.products == 1


def test_missing_products_are_kept_with_their_findings(
    people: Path, tmp_path: Path, ids: tuple[str, str]
) -> None:
    worn, _ = ids
    build(people, tmp_path / "index", examination=BLUR)
    (people / "worn.jpg").unlink()
    Image.new("RGB", (90, 60), "navy").save(people / "other.png")
    report = build(people, tmp_path / "index", keep_missing=True)
    assert report.products == 3
    assert len(findings(tmp_path / "index")[worn].faces) == 1


def test_a_merge_keeps_findings_and_mode(
    people: Path, tmp_path: Path, ids: tuple[str, str]
) -> None:
    worn, plain = ids
    build(people, tmp_path / "index", examination=BLUR)
    (people / "plain.png").unlink()
    build(people, tmp_path / "index", examination=BLUR)
    assert plain not in Index.open(tmp_path / "index")
    merge(tmp_path / "index", no_encoder)
    assert len(findings(tmp_path / "index")[worn].faces) == 1
    assert Index.open(tmp_path / "index").manifest.examination == BLUR.key
    assert build(people, tmp_path / "index").published is False
