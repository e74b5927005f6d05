"""Thumbnails: size, content and metadata."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from embeddings.images import make_thumbnail, open_image
from tests.support.image_samples import exif_bytes, photo, pixels


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((640, 480), (320, 240)),
        ((480, 640), (240, 320)),
        ((320, 200), (320, 200)),
        ((21, 14), (21, 14)),
        ((1, 1), (1, 1)),
        ((1, 10_000), (1, 320)),
    ],
)
def test_thumbnails_fit_and_are_never_enlarged(size, wanted):
    image = photo(*size)
    with Image.open(io.BytesIO(make_thumbnail(image))) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", wanted)
        shown = pixels(thumbnail).mean(axis=(0, 1))
    assert shown == pytest.approx(pixels(image).mean(axis=(0, 1)), abs=6)


def test_a_thumbnail_shows_the_image_and_leaves_it_alone():
    image = photo(400, 300)
    before = image.tobytes()
    thumbnail = pixels(open_image(make_thumbnail(image, 100)))
    wanted = pixels(image.resize((100, 75), Image.Resampling.LANCZOS))
    assert np.abs(thumbnail.astype(int) - wanted).mean() < 4
    assert (image.size, image.tobytes()) == ((400, 300), before)


def test_thumbnails_carry_no_metadata():
    image = photo()
    image.info = {"exif": exif_bytes(6), "icc_profile": b"profile", "xmp": b"xmp"}
    with Image.open(io.BytesIO(make_thumbnail(image))) as thumbnail:
        assert not {"exif", "icc_profile", "xmp"} & thumbnail.info.keys()


def test_a_thumbnail_has_a_pixel():
    with pytest.raises(ValueError, match="pixel"):
        make_thumbnail(photo(), 0)
