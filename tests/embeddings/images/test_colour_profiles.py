"""Embedded colour profiles: the pixels are sRGB, as browsers show them (CASES.md, row 60)."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms

from embeddings.images import open_image
from embeddings.images.colour_profiles import ColourSpace, colour_space
from tests.support.colour_profiles import ADOBE_RGB, DISPLAY_P3, GREY_18, PROPHOTO_RGB
from tests.support.image_samples import encode, pixels, png_chunk, png_with

pytestmark = pytest.mark.case(60)

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

SHOWN = np.array([(200, 60, 60), (90, 160, 100), (80, 130, 140)], np.uint8)
SPACES = {"adobe": ADOBE_RGB, "p3": DISPLAY_P3, "prophoto": PROPHOTO_RGB}
P3 = DISPLAY_P3.profile


def stored(name: str, mode: str = "RGB") -> Image.Image:
    """Patches of 16 x 16, since JPEG mixes neighbours."""
    colours = SPACES[name].stored(SHOWN)
    return Image.fromarray(colours[None]).resize((48, 16), Image.Resampling.NEAREST).convert(mode)


def patches(data: bytes) -> np.ndarray:
    return pixels(open_image(data)).astype(int)[8, [8, 24, 40]]


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {"quality": 100, "subsampling": 0}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("AVIF", {"quality": 100, "subsampling": "4:4:4"}),
    ],
)
def test_wide_colours_are_those_that_a_browser_shows(name, kind, options):
    data = encode(stored(name), kind, icc_profile=SPACES[name].profile, **options)
    assert np.abs(patches(data) - SHOWN).max() <= 4


def test_the_levels_of_a_known_colour():
    assert PROPHOTO_RGB.stored(np.array([(200, 30, 40)]))[0] == pytest.approx((134, 58, 36), abs=1)


def test_a_palette_and_an_alpha_channel_are_converted_too():
    for image in (stored("p3").quantize(), stored("p3", "RGBA")):
        data = encode(image, "PNG", icc_profile=P3)
        assert np.abs(patches(data) - SHOWN).max() <= 4
    clear = stored("p3", "RGBA")
    clear.putalpha(0)
    assert (patches(encode(clear, "PNG", icc_profile=P3)) == 255).all()


def test_grey_is_converted_by_a_grey_profile():
    grey = Image.new("L", (48, 16), 128)
    plain = patches(encode(grey, "PNG"))
    assert (patches(encode(grey, "PNG", icc_profile=GREY_18)) > plain + 3).all()


def test_srgb_by_any_name_changes_no_pixel():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8))
    assert open_image(encode(image, "PNG", icc_profile=SRGB)) == open_image(encode(image, "PNG"))


@pytest.mark.parametrize(
    "profile",
    [b"", b"x", bytes(200), SRGB[:100], SRGB[:300], GREY_18, bytes(128) + P3[128:]],
    ids=["empty", "letter", "zeros", "cut head", "cut tags", "of another space", "no head"],
)
def test_a_profile_that_is_none_is_passed_over(profile):
    data = encode(stored("p3"), "PNG")
    tagged = encode(stored("p3"), "PNG", icc_profile=profile)
    assert open_image(tagged) == open_image(data)


def test_a_damaged_profile_never_stops_an_image():
    generator = np.random.default_rng(1)
    for _ in range(100):
        profile = bytearray(P3)
        for at in generator.integers(0, len(profile), 4):
            profile[at] = generator.integers(256)
        assert open_image(encode(stored("p3"), "PNG", icc_profile=bytes(profile))).size == (48, 16)


def test_a_damaged_profile_chunk_is_passed_over():
    data = encode(stored("p3"), "PNG")
    for body in (b"", b"name", b"name\0\0", b"name\0\0nonsense"):
        assert open_image(png_with(data, png_chunk(b"iCCP", body))) == open_image(data)


def test_a_profile_in_parts_of_which_one_is_missing_is_passed_over():
    large = P3 + bytes(70_000)
    data = encode(stored("p3"), "JPEG", icc_profile=large, quality=100, subsampling=0)
    first = data.index(b"ICC_PROFILE") - 4
    length = int.from_bytes(data[first + 2 : first + 4], "big")
    without = data[:first] + data[first + 2 + length :]
    assert np.abs(patches(data) - SHOWN).max() <= 4
    assert np.abs(patches(without) - DISPLAY_P3.stored(SHOWN)).max() <= 3


def test_the_space_is_read_from_the_header():
    assert colour_space(SRGB) == ColourSpace.RGB
    assert colour_space(GREY_18) == ColourSpace.GREY
    link = bytearray(SRGB)
    link[12:16] = b"link"
    assert colour_space(bytes(link)) is None
