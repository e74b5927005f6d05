"""HEIC: pictures of phones, by an extra; everything else about them is as for other formats."""

from __future__ import annotations

import builtins
import struct
import sys

import numpy as np
import pytest

from embeddings import BrokenImageError, ImageError, ImageTooLargeError, UnsupportedImageError
from embeddings.images import ImageLimits, open_image
from tests.support.heic_samples import CLEAR, PATCHES

pytestmark = pytest.mark.case(60)

SHOWN = np.array([(200, 60, 60), (90, 160, 100), (80, 130, 140)])


def patches(data: bytes) -> np.ndarray:
    return np.asarray(open_image(data)).astype(int)[32, [32, 96, 160]]


def test_pixels_and_transparency():
    assert open_image(PATCHES).size == (192, 64)
    assert np.abs(patches(PATCHES) - SHOWN).max() <= 2
    assert patches(CLEAR)[0].min() >= 254
    assert np.abs(patches(CLEAR)[1:] - SHOWN[1:]).max() <= 3


def test_without_the_extra_it_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *more):
        if name == "pi_heif":
            raise ImportError(name)
        return real(name, *more)

    monkeypatch.delitem(sys.modules, "pi_heif", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UnsupportedImageError, match=r"HEIC image; install lookalike\[heic\]"):
        open_image(PATCHES)


def test_every_cut_is_an_error():
    for size in range(len(PATCHES)):
        with pytest.raises(ImageError):
            open_image(PATCHES[:size])


def test_the_declared_size_is_checked_before_decoding():
    with pytest.raises(ImageTooLargeError, match="192 x 64"):
        open_image(PATCHES, limits=ImageLimits(max_pixels=12_000))
    at = PATCHES.index(b"ispe") + 8
    large = bytearray(PATCHES)
    struct.pack_into(">II", large, at, 60_000, 60_000)
    with pytest.raises(ImageTooLargeError, match="60,000 x 60,000"):
        open_image(bytes(large))
    struct.pack_into(">II", large, at, 0, 64)
    with pytest.raises(BrokenImageError):
        open_image(bytes(large))


def test_declared_colours_are_converted():
    at = PATCHES.index(b"nclx") + 4
    wide = bytearray(PATCHES)
    struct.pack_into(">HH", wide, at, 12, 13)  # Display P3
    red = patches(bytes(wide))[0]
    assert red[0] > 210
    assert red[1] < 55
