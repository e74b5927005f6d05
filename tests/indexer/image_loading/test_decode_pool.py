"""Decoding in worker processes, with decoders that hang and die."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from embeddings import BrokenImageError, Preprocess, ResizeMode, UnsupportedImageError
from embeddings.images import ImageLimits
from indexer.image_loading import Decoded, DecodePool, DecodeTask

ROOT = Path(__file__).parents[3]
TASK = DecodeTask(Preprocess((8, 8), ResizeMode.SQUASH))


class TreacherousTask(DecodeTask):
    """Hangs on b"hang", dies on b"die"."""

    def __call__(self, data: bytes) -> Decoded:
        if data == b"hang":
            threading.Event().wait()
        if data == b"die":
            os._exit(1)
        return super().__call__(data)


def png(colour: tuple[int, int, int], size: tuple[int, int] = (400, 100)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def test_pixels_and_thumbnail_of_an_image() -> None:
    with DecodePool(TASK, workers=1) as pool:
        decoded = pool.submit(png((9, 8, 7)))()
    assert decoded.pixels.shape == (8, 8, 3)
    assert (decoded.pixels == (9, 8, 7)).all()
    assert Image.open(BytesIO(decoded.thumbnail)).size == (320, 80)


def test_a_bad_image_fails_alone() -> None:
    with DecodePool(TASK, workers=1) as pool:
        results = [pool.submit(data) for data in (png((1, 1, 1)), b"text", png((2, 2, 2)))]
        assert (results[0]().pixels == (1, 1, 1)).all()
        with pytest.raises(UnsupportedImageError):
            results[1]()
        assert (results[2]().pixels == (2, 2, 2)).all()


def test_a_decoder_that_dies_harms_only_its_image() -> None:
    task = TreacherousTask(TASK.preprocess)
    with DecodePool(task, workers=1, timeout=60.0) as pool:
        results = [pool.submit(data) for data in (png((1, 1, 1)), b"die", png((2, 2, 2)))]
        assert (results[0]().pixels == (1, 1, 1)).all()
        with pytest.raises(BrokenImageError, match="crashed"):
            results[1]()
        assert (results[2]().pixels == (2, 2, 2)).all()


def test_a_decoder_that_hangs_harms_only_its_image() -> None:
    task = TreacherousTask(TASK.preprocess)
    with DecodePool(task, workers=1, timeout=60.0) as pool:
        before = pool.submit(png((1, 1, 1)))
        pool._timeout = 0.5  # of the image that hangs alone: others may have a slow machine
        hanging = pool.submit(b"hang")
        pool._timeout = 60.0
        after = pool.submit(png((2, 2, 2)))
        assert (before().pixels == (1, 1, 1)).all()
        with pytest.raises(BrokenImageError, match="took longer than"):
            hanging()
        assert (after().pixels == (2, 2, 2)).all()


def test_without_thumbnails_none_are_made() -> None:
    task = DecodeTask(TASK.preprocess, thumbnails=False, limits=ImageLimits())
    assert task(png((1, 2, 3))).thumbnail == b""


def test_a_script_without_a_main_guard_is_told_what_it_lacks(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "red.png")
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from lookalike import BuildOptions, FakeEncoder, build_index\n"
        "from pathlib import Path\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "build_index(folder, folder / 'index', FakeEncoder(), BuildOptions(workers=1))\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, cwd=ROOT, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "BuildError: The processes that decode images did not start." in done.stderr
    assert "if __name__ == '__main__':" in done.stderr
