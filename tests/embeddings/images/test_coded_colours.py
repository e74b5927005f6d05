"""Colours declared by numbers (PNG's cICP, cHRM and gAMA, AVIF's nclx): those of a browser."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from embeddings.images import open_image
from embeddings.images.coded_colours import chromatic_profile, coded_profile
from embeddings.images.colour_profiles import ColourSpace, colour_space
from tests.support.colour_profiles import ADOBE_RGB, DISPLAY_P3, WideSpace
from tests.support.image_samples import encode, pixels, png_chunk, png_with

pytestmark = pytest.mark.case(60)

SHOWN = np.array([(200, 60, 60), (90, 160, 100), (80, 130, 140)], np.uint8)
BT2020 = WideSpace(((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)), (0.3127, 0.3290), None)


def stored(space: WideSpace, kind: str = "PNG", **options: object) -> bytes:
    image = Image.fromarray(space.stored(SHOWN)[None]).resize((48, 16), Image.Resampling.NEAREST)
    return encode(image, kind, **options)


def patches(data: bytes) -> np.ndarray:
    return pixels(open_image(data)).astype(int)[8, [8, 24, 40]]


def chrm(space: WideSpace) -> bytes:
    numbers = [value for point in (space.white, *space.primaries) for value in point]
    return png_chunk(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in numbers)))


def gama(gamma: float) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", round(100_000 / gamma)))


def cicp(*numbers: int) -> bytes:
    return png_chunk(b"cICP", bytes(numbers))


@pytest.mark.parametrize(("space", "primaries"), [(DISPLAY_P3, 12), (BT2020, 9)])
@pytest.mark.parametrize("transfer", [13, 1, 2])
def test_code_points_of_a_png(space: WideSpace, primaries: int, transfer: int) -> None:
    data = png_with(stored(space), cicp(primaries, transfer, 0, 1))
    assert np.abs(patches(data) - SHOWN).max() <= 4


def test_chromaticities_and_gamma_of_a_png() -> None:
    data = png_with(stored(ADOBE_RGB), chrm(ADOBE_RGB), gama(563 / 256))
    assert np.abs(patches(data) - SHOWN).max() <= 4
    data = png_with(stored(DISPLAY_P3), chrm(DISPLAY_P3), gama(2.2))
    assert np.abs(patches(data) - SHOWN).max() <= 4


def test_the_first_of_several_declarations_counts() -> None:
    plain = stored(DISPLAY_P3)
    raw = patches(plain)
    other = (chrm(ADOBE_RGB), gama(1.8))
    assert np.abs(patches(png_with(plain, cicp(12, 13, 0, 1), *other)) - SHOWN).max() <= 4
    assert (patches(png_with(plain, png_chunk(b"sRGB", b"\0"), *other)) == raw).all()
    # Browsers use neither of the two alone.
    assert (patches(png_with(plain, other[0])) == raw).all()
    assert (patches(png_with(plain, other[1])) == raw).all()


@pytest.mark.parametrize(
    "chunks",
    [
        (cicp(1, 13, 0, 1),),
        (cicp(12, 13, 1, 1),),  # a matrix, which PNG has not
        (cicp(12, 13, 0, 0),),
        (cicp(200, 200, 0, 1),),
        (png_chunk(b"cICP", b"\1"),),
        (png_chunk(b"cHRM", b"\1"), gama(1.8)),
        (png_chunk(b"cHRM", bytes(32)), gama(1.8)),
        (chrm(ADOBE_RGB), png_chunk(b"gAMA", bytes(4))),
    ],
)
def test_srgb_and_what_makes_no_sense_change_nothing(chunks: tuple[bytes, ...]) -> None:
    plain = stored(DISPLAY_P3)
    assert (patches(png_with(plain, *chunks)) == patches(plain)).all()


def test_code_points_of_an_avif() -> None:
    data = bytearray(stored(DISPLAY_P3, "AVIF", quality=100, subsampling="4:4:4"))
    at = data.index(b"nclx") + 4
    struct.pack_into(">HH", data, at, 12, 13)
    assert np.abs(patches(bytes(data)) - SHOWN).max() <= 5


def test_what_is_brighter_than_white_is_white() -> None:
    grey = Image.new("RGB", (16, 16), (255, 255, 255))
    for transfer in (16, 18):
        data = png_with(encode(grey, "PNG"), cicp(1, transfer, 0, 1))
        assert pixels(open_image(data)).min() >= 254
    # 203 cd/m2 is at 58% of the levels of PQ, and reference white at 75% of those of HLG.
    for transfer, level in ((16, 148), (18, 191)):
        image = Image.new("RGB", (16, 16), (level, level, level))
        data = png_with(encode(image, "PNG"), cicp(1, transfer, 0, 1))
        assert 250 <= pixels(open_image(data)).min() <= 255


def test_the_profiles_are_valid() -> None:
    for primaries in (4, 5, 6, 7, 9, 11, 12):
        assert colour_space(coded_profile(primaries, 13)) is ColourSpace.RGB
    assert coded_profile(1, 13) == coded_profile(2, 2) == coded_profile(99, 99) == b""
    points = (*DISPLAY_P3.primaries, DISPLAY_P3.white)
    assert colour_space(chromatic_profile(points, 1 / 1.8)) is ColourSpace.RGB
    assert chromatic_profile(((0.3, 0.3),) * 4, 0.5) == b""
