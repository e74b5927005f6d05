"""Pictures of the build benchmark: their sizes, and that no two files are the same."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from scripts.benchmarks.build.pictures import SIZES, labelled, peer_photos, pictures, write_folder


def jpeg(width: int, height: int, seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    small = [jpeg(60, 80, seed) for seed in range(5)]
    fashion = {"image": [*small, small[0], jpeg(168, 224, 9)], "article_type": list("abcdefg")}
    pq.write_table(pa.table(fashion), tmp_path / "fashion-train-0000.parquet")
    shoppers = {"image": [jpeg(192, 256, seed) for seed in range(4)]}
    pq.write_table(pa.table(shoppers), tmp_path / "clothing-train-0000.parquet")
    photos = {"image": [jpeg(299, 224, seed) for seed in range(3)]}
    pq.write_table(pa.table(photos), tmp_path / "general-photos-0000.parquet")
    return tmp_path


@pytest.mark.parametrize(("size", "number"), [("60x80", 5), ("1mp", 50), ("8mp", 13)])
def test_files_are_different_jpegs_of_the_size(data: Path, size: str, number: int) -> None:
    made = pictures(data, size, number)
    assert len(set(made)) == number
    for image in made[:2] + made[-1:]:
        with Image.open(io.BytesIO(image)) as opened:
            opened.load()
            assert (opened.format, opened.size) == ("JPEG", SIZES[size])


def test_a_mosaic_is_covered_with_photos(data: Path) -> None:
    with Image.open(io.BytesIO(pictures(data, "1mp", 1)[0])) as opened:
        pixels = np.asarray(opened, np.float32)
    patches = pixels[: 864 // 32 * 32, : 1152 // 32 * 32].reshape(27, 32, 36, 32, 3)
    assert patches.std(axis=(1, 3)).min() > 1.0


def test_labelled_pictures_are_of_one_size_and_none_comes_twice(data: Path) -> None:
    images, kinds = labelled(data, 10)
    assert len(set(images)) == len(images) == 5
    assert list(kinds) == list("abcde")


def test_photos_of_the_peers_have_their_size(data: Path, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "photos", peer_photos(data, 3))
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["00000.jpg", "00001.jpg", "00002.jpg"]
    with Image.open(files[0]) as opened:
        assert opened.size == (192, 250)
