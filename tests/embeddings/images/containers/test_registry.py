"""Format detection: which files are refused as no image, and with which message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings import UnsupportedImageError
from embeddings.images import open_image
from tests.support.image_samples import SAMPLES


@pytest.mark.case(1)
@pytest.mark.case(8)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"hello, I am a text named photo.jpg",
        b"BMW, Mini and other names that start like a bitmap",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"\xc5\xd0\xd3\xc6" + bytes(40),
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + SAMPLES["jpeg"],
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b'<?xml version="1.0"?><svg/>',
        b"P6 1 1 255 abc",
        b"\0\0\1\0\1\0" + SAMPLES["png"],
        b"8BPS" + bytes(60),
        b"\0\0\0\x18ftypisom\0\0\0\0mp42avc1" + bytes(40),
        b"PK\x03\x04" + SAMPLES["jpeg"],
        b"\n" + SAMPLES["png"],
    ],
)
def test_other_files_are_unsupported(data):
    with pytest.raises(UnsupportedImageError, match="JPEG, PNG, WebP"):
        open_image(data)


@pytest.mark.case(1)
@given(st.text())
def test_text_is_unsupported(text):
    with pytest.raises(UnsupportedImageError, match="send JPEG, PNG, WebP"):
        open_image(text.encode())


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "empty"),
        (b"%PDF-1.4", "PDF"),
        (b" <SVG >", "SVG"),
        (b"\xff\x0a\xfa", "a JPEG XL image"),
        (b"\0\0\0\x0cJXL \r\n\x87\n\0", "a JPEG XL image"),
        (b"\0\0\0\x0cjP  \r\n\x87\n\0", "a JPEG 2000 image"),
        (b"\xff\x4f\xff\x51\0", "a JPEG 2000 image"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "a video"),
    ],
)
def test_the_error_names_the_file_sent_instead(data, name):
    with pytest.raises(UnsupportedImageError, match=name):
        open_image(data)
