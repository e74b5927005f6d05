"""BMP: compression is refused."""

from __future__ import annotations

import pytest

from embeddings import UnsupportedImageError
from embeddings.images import open_image
from tests.support.image_samples import patched


def test_run_length_bmp_is_unsupported():
    with pytest.raises(UnsupportedImageError, match="compression"):
        open_image(patched("bmp-palette", 30, "<I", 1))
