"""Measured colours in their stored form."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from indexer.colours import MeasuredColours, colours_from_bytes, measure_image, measure_thumbnail
from indexer.colours.stored import UNMEASURED


def test_a_large_image_has_the_colours_of_a_small_one() -> None:
    small = Image.new("RGB", (160, 160), "white")
    small.paste((200, 30, 40), (40, 40, 120, 120))
    large = small.resize((1600, 1600))
    first, second = (MeasuredColours.from_array(measure_image(i)) for i in (small, large))
    assert first is not None
    assert second is not None
    np.testing.assert_allclose(first.lab, second.lab, atol=1.5)
    np.testing.assert_allclose(first.shares, second.shares, atol=0.03)


def test_a_thumbnail_is_measured() -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (30, 60, 170)).save(out, "WEBP", lossless=True)
    expected = measure_image(Image.new("RGB", (64, 64), (30, 60, 170)))
    np.testing.assert_array_equal(measure_thumbnail(out.getvalue()), expected)
    assert measure_thumbnail(b"") is UNMEASURED


def test_bytes() -> None:
    colours = np.arange(20, dtype=np.uint8).reshape(5, 4)
    np.testing.assert_array_equal(colours_from_bytes(colours.tobytes()), colours)
    with pytest.raises(ValueError, match="reshape"):
        colours_from_bytes(bytes(19))
