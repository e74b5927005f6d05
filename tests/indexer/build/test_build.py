from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from embeddings import FakeEncoder, PixelArray
from indexer.build import BuildOptions, BuildReport, build_index
from indexer.build.ledger import Ledger
from indexer.catalog import CatalogRow
from indexer.colours import measured
from indexer.errors import (
    BuildError,
    BuildInterruptedError,
    CatalogError,
    IndexLockedError,
    TooManyBadRowsError,
)
from indexer.index import Index
from indexer.storage import Layout, hold_write_lock


class CountingEncoder(FakeEncoder):
    """Counts the pictures it embeds, and can be interrupted after some."""

    def __init__(self, stop_after: int | None = None, fingerprint: str = "fake") -> None:
        super().__init__(fingerprint=fingerprint)
        self.images = 0
        self._stop_after = stop_after

    def encode_images(self, pixels: PixelArray) -> np.ndarray:
        if self._stop_after is not None and self.images >= self._stop_after:
            raise KeyboardInterrupt
        self.images += len(pixels)
        return super().encode_images(pixels)


@pytest.fixture
def _no_confidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the pictures that fitting confidence embeds, for tests that count."""
    monkeypatch.setattr("indexer.build.build.fit_confidence", lambda index, encoder: None)


def quarantine(index: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (index / "quarantine.jsonl").read_text().splitlines()]


def build(
    catalog: Path, index: Path, encoder: FakeEncoder | None = None, **options: object
) -> BuildReport:
    options = {"workers": 0, **options}
    return build_index(catalog, index, encoder or FakeEncoder(), BuildOptions(**options))


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


@pytest.mark.usefixtures("_no_confidence")
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
    # numpy drops trailing zero bytes; among 600 pictures, some hash ends in one (all but surely).
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(600):
        colour = (number % 256, number // 256, 7)
        Image.new("RGB", (2, 2), colour).save(folder / f"{number}.bmp")
    build(folder, tmp_path / "index", thumbnails=False)
    assert build(folder, tmp_path / "index", thumbnails=False).reused == 600


def test_one_picture_under_two_ids_is_two_products_embedded_once(
    colours: Path, tmp_path: Path
) -> None:
    colours.write_text("id,image\na,red.png\nb,red.png\n")
    report = build(colours, tmp_path / "index")
    assert (report.products, report.images, report.embedded, report.reused) == (2, 2, 1, 1)
    hits = Index.open(tmp_path / "index").search(np.array([1, 0, 0], np.float32), 5)
    assert [hit.id for hit in hits] == ["a", "b"]


def test_several_pictures_of_a_product_make_one_hit_with_the_best(tmp_path: Path) -> None:
    pictures = {name: tmp_path / f"{name}.png" for name in ("red", "blue", "green")}
    for name, path in pictures.items():
        colour = {"red": (255, 0, 0), "blue": (0, 0, 255), "green": (0, 255, 0)}[name]
        Image.new("RGB", (8, 8), colour).save(path)
    data = {name: path.read_bytes() for name, path in pictures.items()}
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


def test_bad_pictures_are_quarantined_and_the_rest_is_indexed(
    colours: Path, tmp_path: Path
) -> None:
    folder = colours.parent
    (folder / "text.jpg").write_text("not a picture")
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
    assert found["missing"][0] == 9
    assert found["outside"] == (11, "path_outside_catalog")
    assert report.reasons["missing_id"] == 1
    assert sum(report.reasons.values()) == 5


def test_a_product_keeps_its_good_pictures(colours: Path, tmp_path: Path) -> None:
    (colours.parent / "bad.png").write_text("no")
    colours.write_text('id,image\nboth,"[""bad.png"", ""red.png""]"\n')
    report = build(colours, tmp_path / "index")
    assert (report.products, report.images, report.quarantined) == (1, 1, 1)
    assert Index.open(tmp_path / "index").get("both").images[0].location == "red.png"


def test_a_picture_without_a_usable_vector_is_quarantined(colours: Path, tmp_path: Path) -> None:
    class Careless(FakeEncoder):
        def encode_images(self, pixels: PixelArray) -> np.ndarray:
            vectors = super().encode_images(pixels)
            vectors[vectors[:, 2] == 1] = np.nan  # blue
            return vectors

    report = build(colours, tmp_path / "index", Careless())
    assert (report.products, report.embedded, report.reasons) == (4, 4, {"not_embedded": 1})
    assert quarantine(tmp_path / "index")[0]["id"] == "blue"


def test_a_catalog_of_rubbish_is_refused_and_the_old_generation_serves(
    colours: Path, tmp_path: Path
) -> None:
    build(colours, tmp_path / "index")
    for path in colours.parent.glob("*.png"):
        path.write_text("disk trouble")
    with pytest.raises(TooManyBadRowsError, match=r"5 of 5 .*generation is unchanged"):
        build(colours, tmp_path / "index")
    assert Index.open(tmp_path / "index").manifest.generation == 1
    assert len(quarantine(tmp_path / "index")) == 5


def test_max_bad_is_a_share_of_the_rows(colours: Path, tmp_path: Path) -> None:
    (colours.parent / "red.png").write_text("bad")  # one of five
    with pytest.raises(TooManyBadRowsError):
        build(colours, tmp_path / "index", max_bad=0.1)
    assert build(colours, tmp_path / "index", max_bad=0.2).products == 4


def test_an_empty_catalog_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CatalogError):
        build(tmp_path / "empty", tmp_path / "index")


def test_a_folder_without_fields_builds_and_opens(colours: Path, tmp_path: Path) -> None:
    colours.unlink()
    report = build(colours.parent, tmp_path / "index")
    index = Index.open(tmp_path / "index")
    assert report.products == 5
    assert index.get("dark-red.png").fields == {}
    assert index.manifest.fields == {}


def test_another_encoder_builds_anew(colours: Path, tmp_path: Path) -> None:
    build(colours, tmp_path / "index", FakeEncoder(fingerprint="one"))
    report = build(colours, tmp_path / "index", FakeEncoder(fingerprint="two"))
    assert (report.generation, report.embedded, report.reused) == (2, 5, 0)


@pytest.mark.usefixtures("_no_confidence")
def test_an_interrupted_build_resumes(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(40):
        Image.new("RGB", (4, 4), (number * 6, 255 - number, 9)).save(folder / f"{number:02}.png")
    with pytest.raises(BuildInterruptedError, match="same command"):
        build(folder, tmp_path / "index", CountingEncoder(stop_after=24), batch_size=8, workers=1)
    assert not (tmp_path / "index" / "CURRENT").exists()
    encoder = CountingEncoder()
    report = build(folder, tmp_path / "index", encoder, batch_size=8)
    assert (encoder.images, report.embedded, report.reused) == (16, 16, 24)
    assert report.products == 40


@pytest.mark.usefixtures("_no_confidence")
def test_an_interrupted_build_keeps_the_colours_it_measured(tmp_path: Path) -> None:
    folder = tmp_path / "few"
    folder.mkdir()
    pictures = {f"{n:02}.png": Image.new("RGB", (8, 8), (n * 12, 200, 9)) for n in range(20)}
    for name, picture in pictures.items():
        picture.save(folder / name)
    # Without thumbnails there is nothing else to measure them on.
    options = {"batch_size": 8, "thumbnails": False}
    with pytest.raises(BuildInterruptedError):
        build(folder, tmp_path / "index", CountingEncoder(stop_after=8), **options)
    encoder = CountingEncoder()
    build(folder, tmp_path / "index", encoder, **options)
    assert encoder.images == 12
    (segment,) = Index.open(tmp_path / "index").segments
    assert segment.colours is not None
    for row in range(segment.record.products):
        expected = measured(pictures[segment.product_id(row)])
        assert segment.colours[row].tolist() == expected.tolist()
        assert expected[0, 3] == 255


def test_the_ledger_of_a_version_without_colours_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as old:
        old.executescript(
            "CREATE TABLE about(kind TEXT NOT NULL);"
            "CREATE TABLE embedded("
            " sha256 BLOB PRIMARY KEY, vector BLOB NOT NULL, thumbnail BLOB NOT NULL);"
            "INSERT INTO about VALUES ('kind');"
        )
        old.execute("INSERT INTO embedded VALUES (?, ?, ?)", (b"a", b"\0\x3c", b""))
    old.close()
    for _ in range(2):
        ledger = Ledger(path, "kind")
        product = ledger.add_product(CatalogRow(1, "p", ()))
        ledger.add_image(product, b"a", "a.png")
        (staged,) = next(ledger.products()).images
        assert staged.embedded is not None
        assert staged.embedded.vector.tolist() == [1.0]
        assert staged.embedded.colours is None
        ledger.close()


def test_a_damaged_ledger_starts_over(colours: Path, tmp_path: Path) -> None:
    ledger = Layout(tmp_path / "index").ledger
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    assert build(colours, tmp_path / "index").products == 5


def test_what_was_embedded_without_thumbnails_gets_them(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(20):
        Image.new("RGB", (4, 4), (number * 6, 255 - number, 9)).save(folder / f"{number:02}.png")
    with pytest.raises(BuildInterruptedError):
        build(
            folder,
            tmp_path / "index",
            CountingEncoder(stop_after=8),
            batch_size=8,
            thumbnails=False,
        )
    build(folder, tmp_path / "index", CountingEncoder())
    index = Index.open(tmp_path / "index")
    assert all(index.thumbnail(f"{number:02}.png", 0) for number in range(20))


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


def test_orphans_of_a_crash_are_removed(colours: Path, tmp_path: Path) -> None:
    build(colours, tmp_path / "index")
    orphan = tmp_path / "index" / "segments" / "20200101T000000-dead"
    orphan.mkdir()
    (orphan / "vectors.npy").write_text("half")
    build(colours, tmp_path / "index")
    assert not orphan.exists()
    assert Index.open(tmp_path / "index").manifest.products == 5


def test_thumbnails_can_be_left_out_and_added_later(colours: Path, tmp_path: Path) -> None:
    build(colours, tmp_path / "index", thumbnails=False)
    assert Index.open(tmp_path / "index").thumbnail("red", 0) == b""
    report = build(colours, tmp_path / "index")
    assert (report.generation, report.embedded) == (2, 5)
    assert Index.open(tmp_path / "index").thumbnail("red", 0)[8:12] == b"WEBP"


_KILLED = """
import sys, time
from pathlib import Path
from embeddings.fake import FakeEncoder
from indexer.build import BuildOptions, build_index
class Slow(FakeEncoder):
    def encode_images(self, pixels):
        time.sleep(0.05)
        return super().encode_images(pixels)
if __name__ == "__main__":
    build_index(Path(sys.argv[1]), Path(sys.argv[2]), Slow(), BuildOptions(workers=1, batch_size=4))
"""


def test_sigkill_at_any_moment_leaves_old_or_new(tmp_path: Path) -> None:
    folder, index = tmp_path / "many", tmp_path / "index"
    folder.mkdir()
    for number in range(60):
        Image.new("RGB", (4, 4), (number * 4, 255 - number, 9)).save(folder / f"{number:02}.png")
    build(folder, index)
    script = tmp_path / "killed.py"
    script.write_text(_KILLED)
    for round_, delay in enumerate((0.3, 0.8, 1.2, 1.6, 2.0)):
        for number in range(20):  # change a third of the pictures
            Image.new("RGB", (4, 4), (number, round_ * 40, 200)).save(folder / f"{number:02}.png")
        process = subprocess.Popen(
            [sys.executable, str(script), str(folder), str(index)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert Index.open(index).manifest.products == 60
    assert build(folder, index).products == 60
    opened = Index.open(index)
    expected = FakeEncoder().encode_images(np.full((1, 8, 8, 3), (0, 160, 200), np.uint8))[0]
    np.testing.assert_allclose(opened.vector("00.png"), expected, atol=2e-3)
