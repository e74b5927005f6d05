"""Interrupted and killed builds: embedded images are kept, and the live index is old or new."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.colours import measure_image
from indexer.errors import BuildInterruptedError
from indexer.index import Index
from tests.indexer.build.catalogs import CountingEncoder, build, generation, write_images
from tests.indexer.build.stopped_build import POINTS

ROOT = Path(__file__).parents[3]


@pytest.mark.case(22)
@pytest.mark.usefixtures("no_confidence")
def test_an_interrupted_build_resumes(tmp_path: Path) -> None:
    colours = write_images(tmp_path / "many", 40)
    with pytest.raises(BuildInterruptedError, match="same command"):
        build(
            tmp_path / "many",
            tmp_path / "index",
            CountingEncoder(stop_after=24),
            batch_size=8,
            workers=1,
        )
    assert not (tmp_path / "index" / "CURRENT").exists()
    encoder = CountingEncoder()
    report = build(tmp_path / "many", tmp_path / "index", encoder, batch_size=8)
    assert (encoder.images, report.embedded, report.reused) == (16, 16, 24)
    index = Index.open(tmp_path / "index")
    assert report.products == index.manifest.products == 40
    for name, colour in colours.items():
        expected = colour / np.linalg.norm(colour)
        np.testing.assert_allclose(index.vector(name), expected, atol=2e-3)


@pytest.mark.usefixtures("no_confidence")
def test_an_interrupted_build_keeps_the_colours_it_measured(tmp_path: Path) -> None:
    colours = write_images(tmp_path / "few", 20)
    # Without thumbnails there is nothing else to measure them on.
    options = {"batch_size": 8, "thumbnails": False}
    with pytest.raises(BuildInterruptedError):
        build(tmp_path / "few", tmp_path / "index", CountingEncoder(stop_after=8), **options)
    encoder = CountingEncoder()
    build(tmp_path / "few", tmp_path / "index", encoder, **options)
    assert encoder.images == 12
    (segment,) = Index.open(tmp_path / "index").segments
    assert segment.colours is not None
    assert segment.record.products == len(colours)
    for row in range(segment.record.products):
        with Image.open(tmp_path / "few" / segment.product_id(row)) as image:
            expected = measure_image(image)
        assert segment.colours[row].tolist() == expected.tolist()
        assert expected[0, 3] == 255


def test_images_embedded_without_thumbnails_are_embedded_again(tmp_path: Path) -> None:
    names = write_images(tmp_path / "many", 20)
    with pytest.raises(BuildInterruptedError):
        build(
            tmp_path / "many",
            tmp_path / "index",
            CountingEncoder(stop_after=8),
            batch_size=8,
            thumbnails=False,
        )
    report = build(tmp_path / "many", tmp_path / "index", CountingEncoder())
    assert (report.embedded, report.reused) == (20, 0)
    index = Index.open(tmp_path / "index")
    assert {index.thumbnail(name, 0)[8:12] for name in names} == {b"WEBP"}


def test_orphans_of_a_crash_are_removed(colours: Path, tmp_path: Path) -> None:
    build(colours, tmp_path / "index")
    orphan = tmp_path / "index" / "segments" / "20200101T000000-dead"
    orphan.mkdir()
    (orphan / "vectors.npy").write_text("half")
    build(colours, tmp_path / "index")
    assert not orphan.exists()
    assert Index.open(tmp_path / "index").manifest.products == 5


@pytest.mark.case(20)
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_build_leaves_the_old_generation_or_the_new(tmp_path: Path, point: str) -> None:
    folder, index = tmp_path / "many", tmp_path / "index"
    write_images(folder, 24)
    build(folder, index)
    old = np.array([0, 255, 9]) / np.hypot(255, 9)
    new = write_images(folder, 16, blue=200)["00.png"] / np.hypot(255, 200)
    command = [sys.executable, "-m", "tests.indexer.build.stopped_build", folder, index, point]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stopped\n"
        process.kill()
    published = point == "published"
    opened = Index.open(index)
    assert (generation(index), opened.manifest.products) == (2 if published else 1, 24)
    np.testing.assert_allclose(opened.vector("00.png"), new if published else old, atol=2e-3)
    assert build(folder, index).published is not published
    opened = Index.open(index)
    assert opened.manifest.products == 24
    np.testing.assert_allclose(opened.vector("00.png"), new, atol=2e-3)
