"""Templates, text filters and thumbnails of the pages."""

from __future__ import annotations

import base64
import io

import pytest
from jinja2 import UndefinedError
from PIL import Image

from indexer.search import Engine
from search_api.reports.pages import Thumbnails, data_uri, plain, render_page


def test_plain_text_has_no_control_characters_and_a_bounded_length() -> None:
    assert plain("a\x1b[31mb\u202ec\n") == "a�[31mb�c�"
    assert plain("x" * 1000) == "x" * 400
    assert plain(12) == "12"


def test_a_page_needs_all_its_values() -> None:
    with pytest.raises(UndefinedError):
        render_page("evaluation.html", file="queries.csv")


def test_thumbnails_are_scaled_down_and_made_once(engine: Engine) -> None:
    thumbnails = Thumbnails(engine.index)
    small = thumbnails("red", 0, 8)
    with Image.open(io.BytesIO(base64.b64decode(small.partition(",")[2]))) as image:
        assert (image.format, image.size) == ("WEBP", (8, 8))
        red, green, blue = image.convert("RGB").getpixel((4, 4))
        assert red > 240
        assert max(green, blue) < 15
    assert thumbnails("red", 0, 8) is small
    assert thumbnails("red", 0, 400) == data_uri(engine.index.thumbnail("red", 0))


def test_no_thumbnail_is_no_address() -> None:
    assert data_uri(b"") == ""
