"""Builds of a new index: fields, images, refusals and options."""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from embeddings import FakeEncoder, FloatArray, PixelArray
from indexer.errors import BuildError, CatalogError, IndexLockedError, TooManyBadRowsError
from indexer.index import Index
from indexer.storage import Layout, hold_write_lock
from tests.indexer.build.catalogs import CountingEncoder, build


def bmp(colour: tuple[int, int, int]) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (2, 2), colour).save(data, "BMP")
    return data.getvalue()


def quarantine(index: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (index / "quarantine.jsonl").read_text().splitlines()]


def test_a_build_holds_every_product_with_its_fields(colours: Path, tmp_path: Path) -> None:
    report = build(colours, tmp_path / "index")
    assert (report.generation, report.published) == (1, True)
    assert (report.products, report.images, report.embedded, report.reused) == (5, 5, 5, 0)
    index = Index.open(tmp_path / "index")
    product = index.get("yellow")
    assert product.fields == {"title": "A yellow thing", "price": 4.5}
    assert [image.location for image in product.images] == ["yellow.png"]
    assert index.manifest.fields == {"title": "text", "price": "float"}
    np.testing.assert_allclose(index.vector("red"), [1, 0, 0], atol=1e-3)
    np.testing.assert_allclose(index.vector("yellow"), [2**-0.5, 2**-0.5, 0], atol=1e-3)


def test_nothing_is_left_in_staging(colours: Path, tmp_path: Path) -> None:
    build(colours, tmp_path / "index")
    assert not Layout(tmp_path / "index").staging.exists()


def test_an_unchanged_catalog_publishes_nothing(colours: Path, tmp_path: Path) -> None:
    build(colours, tmp_path / "index")
    encoder = CountingEncoder(fingerprint="fake-fingerprint")
    report = build(colours, tmp_path / "index", encoder)
    assert (report.generation, report.published, report.reused) == (1, False, 5)
    assert encoder.images == 0


@pytest.mark.usefixtures("no_confidence")
def test_an_update_embeds_only_what_is_new(colours: Path, tmp_path: Path) -> None:
    build(colours, tmp_path / "index")
    Image.new("RGB", (32, 32), (0, 255, 255)).save(colours.parent / "cyan.png")
    lines = colours.read_text().splitlines()
    lines = [line for line in lines if not line.startswith("green,")]  # gone
    lines = [line.replace("3.50", "99") for line in lines]  # a new price for blue
    colours.write_text("\n".join([*lines, "cyan,cyan.png,A cyan thing,6.50"]) + "\n")
    encoder = CountingEncoder(fingerprint="fake-fingerprint")
    report = build(colours, tmp_path / "index", encoder)
    assert (report.generation, report.products, report.removed) == (2, 5, 1)
    assert (report.embedded, report.reused, encoder.images) == (1, 4, 1)
    index = Index.open(tmp_path / "index")
    assert index.get("blue").fields["price"] == 99.0
    assert index.search(np.array([0, 1, 0], np.float32), 1)[0].id in {"cyan", "yellow"}
    assert [m.id for m in index.search(np.array([0, 0.7071, 0.7071], np.float32), 1)] == ["cyan"]


def test_hashes_that_end_in_zero_bytes_are_found_again(tmp_path: Path) -> None:
    # numpy drops trailing zero bytes of byte strings.
    folder = tmp_path / "zero"
    folder.mkdir()
    for shade in range(2**16):
        data = bmp((shade % 256, shade // 256, 7))
        if hashlib.sha256(data).digest().endswith(b"\0"):
            (folder / f"{shade}.bmp").write_bytes(data)
            break
    assert build(folder, tmp_path / "index", thumbnails=False).embedded == 1
    again = build(folder, tmp_path / "index", thumbnails=False)
    assert (again.embedded, again.reused, again.published) == (0, 1, False)


def test_one_image_under_two_ids_is_two_products_embedded_once(
    colours: Path, tmp_path: Path
) -> None:
    colours.write_text("id,image\na,red.png\nb,red.png\n")
    report = build(colours, tmp_path / "index")
    assert (report.products, report.images, report.embedded, report.reused) == (2, 2, 1, 1)
    hits = Index.open(tmp_path / "index").search(np.array([1, 0, 0], np.float32), 5)
    assert [hit.id for hit in hits] == ["a", "b"]


def test_several_images_of_a_product_make_one_hit_with_the_best(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.png" for name in ("red", "blue", "green")}
    for name, path in files.items():
        colour = {"red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 255, 0)}[name]
        Image.new("RGB", (8, 8), colour).save(path)
    data = {name: path.read_bytes() for name, path in files.items()}
    table = pa.table(
        {"id": ["pair", "single"], "image": [[data["red"], data["blue"]], [data["green"]]]}
    )
    pq.write_table(table, tmp_path / "catalog.parquet")
    report = build(tmp_path / "catalog.parquet", tmp_path / "index")
    assert (report.products, report.images) == (2, 3)
    index = Index.open(tmp_path / "index")
    hits = index.search(np.array([0, 0, 1], np.float32), 5)
    assert [(hit.id, hit.image) for hit in hits] == [("pair", 1), ("single", 0)]
    assert hits[0].score == pytest.approx(1, abs=1e-3)


def test_bad_images_are_quarantined_and_the_rest_is_indexed(colours: Path, tmp_path: Path) -> None:
    folder = colours.parent
    (folder / "text.jpg").write_text("not an image")
    whole = (folder / "red.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    with colours.open("a") as file:
        file.write("text,text.jpg,x,1\ncut,cut.png,x,1\nmissing,nowhere.png,x,1\n,red.png,x,1\n")
        file.write("outside,../secret.png,x,1\n")
    report = build(colours, tmp_path / "index", workers=1)
    assert (report.products, report.quarantined) == (5, 5)
    found = {row["id"]: (row["line"], row["reason"]) for row in quarantine(tmp_path / "index")}
    assert found["text"] == (7, "unsupported_image")
    assert found["cut"] == (8, "broken_image")
    assert found["missing"] == (9, "image_not_found")
    assert found["outside"] == (11, "path_outside_catalog")
    assert report.reasons["missing_id"] == 1
    assert sum(report.reasons.values()) == 5


def test_a_product_keeps_its_good_images(colours: Path, tmp_path: Path) -> None:
    (colours.parent / "bad.png").write_text("no")
    colours.write_text('id,image\nboth,"[""bad.png"", ""red.png""]"\n')
    report = build(colours, tmp_path / "index")
    assert (report.products, report.images, report.quarantined) == (1, 1, 1)
    assert Index.open(tmp_path / "index").get("both").images[0].location == "red.png"


def test_an_image_without_a_usable_vector_is_quarantined(colours: Path, tmp_path: Path) -> None:
    class NanEncoder(FakeEncoder):
        def encode_images(self, pixels: PixelArray) -> FloatArray:
            vectors = super().encode_images(pixels)
            vectors[vectors[:, 2] == 1] = np.nan  # blue
            return vectors

    report = build(colours, tmp_path / "index", NanEncoder())
    assert (report.products, report.embedded, report.reasons) == (4, 4, {"not_embedded": 1})
    assert quarantine(tmp_path / "index")[0]["id"] == "blue"


@pytest.mark.case(14)
def test_an_unusable_catalog_is_refused_and_the_old_generation_stays(
    colours: Path, tmp_path: Path
) -> None:
    build(colours, tmp_path / "index")
    for path in colours.parent.glob("*.png"):
        path.write_text("disk trouble")
    with pytest.raises(TooManyBadRowsError, match=r"5 of 5 .*generation is unchanged"):
        build(colours, tmp_path / "index")
    assert Index.open(tmp_path / "index").manifest.generation == 1
    assert [row["reason"] for row in quarantine(tmp_path / "index")] == ["unsupported_image"] * 5


@pytest.mark.case(14)
def test_max_bad_is_a_share_of_the_rows(colours: Path, tmp_path: Path) -> None:
    (colours.parent / "red.png").write_text("bad")  # one of five
    with pytest.raises(TooManyBadRowsError):
        build(colours, tmp_path / "index", max_bad=0.1)
    assert build(colours, tmp_path / "index", max_bad=0.2).products == 4


@pytest.mark.case(14)
def test_an_empty_catalog_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CatalogError, match="has no rows"):
        build(tmp_path / "empty", tmp_path / "index")


def test_a_folder_has_the_names_of_its_files_as_titles(colours: Path, tmp_path: Path) -> None:
    colours.unlink()
    report = build(colours.parent, tmp_path / "index")
    index = Index.open(tmp_path / "index")
    assert report.products == 5
    assert index.get("dark-red.png").fields == {"title": "dark red"}
    assert index.manifest.fields == {"title": "text"}


def test_another_encoder_builds_anew(colours: Path, tmp_path: Path) -> None:
    build(colours, tmp_path / "index", FakeEncoder(fingerprint="one"))
    report = build(colours, tmp_path / "index", FakeEncoder(fingerprint="two"))
    assert (report.generation, report.embedded, report.reused) == (2, 5, 0)


def test_a_folder_that_cannot_be_written_is_one_clear_error(colours: Path, tmp_path: Path) -> None:
    (tmp_path / "index").write_text("a file stands here")
    with pytest.raises(BuildError, match="can't be written"):
        build(colours, tmp_path / "index")


def test_a_second_writer_is_refused_by_name(colours: Path, tmp_path: Path) -> None:
    with (
        hold_write_lock(Layout(tmp_path / "index")),
        pytest.raises(IndexLockedError, match=f"process {os.getpid()} on "),
    ):
        build(colours, tmp_path / "index")


def test_thumbnails_can_be_left_out_and_added_later(colours: Path, tmp_path: Path) -> None:
    build(colours, tmp_path / "index", thumbnails=False)
    assert Index.open(tmp_path / "index").thumbnail("red", 0) == b""
    report = build(colours, tmp_path / "index")
    assert (report.generation, report.embedded) == (2, 5)
    assert Index.open(tmp_path / "index").thumbnail("red", 0)[8:12] == b"WEBP"


def test_the_report_has_the_share_of_each_stage(colours: Path, tmp_path: Path) -> None:
    report = build(colours, tmp_path / "index")
    assert list(report.stages) == ["reading", "fetching", "decoding", "encoding", "writing"]
    assert sum(report.stages.values()) == pytest.approx(1.0)
    assert report.stages["decoding"] > 0
    assert report.stages["writing"] > 0
