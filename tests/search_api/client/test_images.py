"""Images of the client: every form that a caller has them in becomes the file to send."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from search_api.client import UnreadablePictureError
from search_api.client.images import image_bytes
from tests.support.client_kinds import MakeClient, Service
from tests.support.image_samples import exif_bytes, half_clear, photo
from tests.support.service_helpers import RED, image_file


def test_one_image_in_every_form(tmp_path: Path) -> None:
    data = image_file(RED)
    path = tmp_path / "red.png"
    path.write_bytes(data)
    with path.open("rb") as file:
        assert image_bytes(file) == data
    for given in (path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)):
        assert image_bytes(given) == data  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pil_images_keep_every_pixel(mode: str) -> None:
    image = Image.new(mode, (9, 5), 30000) if mode == "I;16" else half_clear().convert(mode)
    again = Image.open(io.BytesIO(image_bytes(image)))
    assert (again.mode, again.size) == (mode, image.size)
    assert again.tobytes() == image.tobytes()


@pytest.mark.parametrize("mode", ["CMYK", "HSV", "F", "YCbCr", "I"])
def test_other_modes_become_colours(mode: str) -> None:
    image = photo().convert("L" if mode in "FI" else "RGB").convert(mode)
    again = Image.open(io.BytesIO(image_bytes(image)))
    assert again.convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_rotated_photographs_are_sent_upright() -> None:
    out = io.BytesIO()
    photo().save(out, "PNG", exif=exif_bytes(6))
    image = Image.open(out)
    again = Image.open(io.BytesIO(image_bytes(image)))
    assert again.size == (image.height, image.width)
    assert again.tobytes() == photo().rotate(-90, expand=True).tobytes()
    assert image.size == photo().size


def test_large_images_are_sent_as_good_jpegs_on_white() -> None:
    image = photo(1200, 900).convert("RGBA")
    image.paste((9, 9, 9, 0), (0, 0, 600, 900))
    data = image_bytes(image)
    again = Image.open(io.BytesIO(data))
    assert (again.format, again.mode, again.size) == ("JPEG", "RGB", (1200, 900))
    assert min(again.getpixel((100, 100))) > 250
    expected = photo(1200, 900).getpixel((900, 400))
    assert max(abs(a - b) for a, b in zip(again.getpixel((900, 400)), expected, strict=True)) < 4
    assert len(data) < 1_000_000


def test_unreadable_images(tmp_path: Path, make_client: MakeClient) -> None:
    closed = io.BytesIO()
    closed.close()
    service = Service()
    for given in (tmp_path / "none.jpg", str(tmp_path), "\0", io.StringIO("text"), closed):
        with pytest.raises(UnreadablePictureError):
            make_client(service).search(image=given)
    with pytest.raises(TypeError, match="int"):
        make_client(service).search(image=5)
    assert service.requests == []
