"""Image files: which are read, and which are refused unread."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from embeddings import ImageTooLargeError, UnsupportedImageError
from embeddings.images import ImageLimits, read_image
from tests.support.image_samples import SAMPLES, opened


def test_a_file_is_read(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(SAMPLES["png"])
    assert read_image(path) == opened("png")


def test_a_file_over_the_limit_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "photo.png"
    path.write_bytes(SAMPLES["png"])
    monkeypatch.setattr(os, "fdopen", lambda *args, **kwargs: pytest.fail("it was read"))
    with pytest.raises(ImageTooLargeError, match="over the limit of 100 bytes"):
        read_image(path, limits=ImageLimits(max_bytes=100))


def _fifo(folder: Path) -> Path:
    os.mkfifo(folder / "fifo.png")
    return folder / "fifo.png"


@pytest.mark.parametrize(
    "make",
    [
        _fifo,
        lambda folder: folder,
        lambda folder: Path("/dev/zero"),
        lambda folder: folder / "missing.png",
        lambda folder: folder / "nul\0.png",
        lambda folder: folder / ("x" * 5000),
    ],
)
def test_other_than_regular_files_are_refused(make, tmp_path):
    path = make(tmp_path)
    with pytest.raises(UnsupportedImageError) as refused:
        read_image(path)
    assert str(tmp_path) not in refused.value.message
    assert "/" not in refused.value.message


def test_a_refused_file_is_closed(tmp_path, monkeypatch):
    handles, closed = [], []
    real_open, real_close = os.open, os.close
    monkeypatch.setattr(os, "open", lambda *a: handles.append(real_open(*a)) or handles[-1])
    monkeypatch.setattr(os, "close", lambda handle: closed.append(handle) or real_close(handle))
    with pytest.raises(UnsupportedImageError, match="not a regular file"):
        read_image(tmp_path)
    assert handles
    assert closed == handles
