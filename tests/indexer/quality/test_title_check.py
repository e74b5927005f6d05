"""Titles that disagree with their image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from embeddings import FakeEncoder, load_encoder
from indexer.build import BuildOptions, build_index
from indexer.index import ImageTable, Index
from indexer.quality import check_titles
from tests.support.image_catalogs import build, jpeg


def coloured(folder: Path, count: int) -> ImageTable:
    """Images of red, green and blue in turn, each a little different."""
    images = {}
    for n in range(count):
        colour = [20 + n, 20 + n, 20 + n]
        colour[n % 3] = 255 - n
        images[f"{n}.jpg"] = jpeg(Image.new("RGB", (64, 64), tuple(colour)))
    return ImageTable(build(folder, [{"id": name, "image": name} for name in images], images))


def test_a_swapped_title_is_found_and_explained(tmp_path: Path) -> None:
    table = coloured(tmp_path, 48)
    names = ["red", "green", "blue"]
    titles: list[str | None] = [f"A {names[n % 3]} mat" for n in range(48)]
    titles[9] = "A blue mat"
    labels: dict[str, list[str | None]] = {"colour": [names[n % 3] for n in range(48)]}
    done: list[str] = []
    (suspect,) = check_titles(
        table, titles, labels, FakeEncoder(), lambda step, *_: done.append(step)
    )
    assert (suspect.id, suspect.title) == ("9.jpg", "A blue mat")
    assert suspect.evidence > 3
    assert suspect.fit < 0.5
    assert suspect.alike[0] == "A red mat"
    assert (suspect.looks, suspect.reads) == ({"colour": "red"}, {"colour": "blue"})
    assert set(done) == {"Embedding titles", "Comparing images", "Comparing titles"}


def test_too_few_titles_give_no_suspects(tmp_path: Path) -> None:
    table = coloured(tmp_path, 12)
    titles = ["A red mat"] * 9 + [None, "", "  "]
    assert check_titles(table, titles, {}, FakeEncoder()) == []


@pytest.mark.shared
def test_swapped_titles_of_real_products_are_found(shared_data: Path, tmp_path: Path) -> None:
    """2% of 400 real titles swapped: three of four stand in the listed 2%."""
    encoder = load_encoder("compact", precision="fp32")
    file = pq.ParquetFile(shared_data / "fashion-train-0000.parquet")
    rows = next(file.iter_batches(400, columns=["id", "image", "title"]))
    pq.write_table(pa.table(rows.drop_columns(["title"])), tmp_path / "catalog.parquet")
    options = BuildOptions(workers=0)
    build_index(tmp_path / "catalog.parquet", tmp_path / "index", encoder, options)
    images = ImageTable(Index.open(tmp_path / "index"))
    swapped = np.random.default_rng(0).choice(400, 8, replace=False)
    titles = np.array(rows["title"].to_pylist(), object)
    titles[swapped] = np.roll(titles[swapped], 1)
    suspects = check_titles(images, titles.tolist(), {}, encoder)
    assert len(suspects) == 8
    planted = {images.product_id(int(n)) for n in swapped}
    assert len(planted & {suspect.id for suspect in suspects}) >= 6
