"""Images with faces in the catalog report: as the build found them, or found now."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from embeddings import FakeEncoder
from embeddings.vision import Examination, FaceMode
from indexer.index import Index
from indexer.quality import examine
from tests.embeddings.vision.images import PORTRAIT
from tests.indexer.build.catalogs import build


def catalog(folder: Path) -> Path:
    folder.mkdir()
    (folder / "worn.jpg").write_bytes(PORTRAIT.read_bytes())
    Image.new("RGB", (90, 60), "teal").save(folder / "plain.png")
    rows = ["id,image,title", "worn,worn.jpg,A suit", "plain,plain.png,A cloth"]
    (folder / "catalog.csv").write_text("\n".join(rows) + "\n")
    return folder / "catalog.csv"


def test_faces_that_the_build_found_are_listed(tmp_path: Path) -> None:
    build(catalog(tmp_path / "c"), tmp_path / "index", examination=Examination(faces=FaceMode.BLUR))
    health = examine(Index.open(tmp_path / "index"), tmp_path / "index", FakeEncoder())
    assert health.faces is not None
    (face,) = health.faces
    assert (face.id, face.title, face.picture, face.faces, face.covered) == (
        "worn", "A suit", 0, 1, True,
    )  # fmt: skip


def test_faces_are_looked_for_where_the_build_did_not(tmp_path: Path) -> None:
    build(catalog(tmp_path / "c"), tmp_path / "index")
    index = Index.open(tmp_path / "index")
    assert examine(index, tmp_path / "index", FakeEncoder()).faces is None
    looked = examine(index, tmp_path / "index", FakeEncoder(), faces=True).faces
    assert looked is not None
    assert [(face.id, face.covered) for face in looked] == [("worn", False)]


def test_without_thumbnails_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    build(catalog(tmp_path / "c"), tmp_path / "index", thumbnails=False)
    health = examine(Index.open(tmp_path / "index"), tmp_path / "index", FakeEncoder(), faces=True)
    assert health.faces == ()
