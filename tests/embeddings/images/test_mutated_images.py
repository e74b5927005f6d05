"""Mutated images: each opens or is an `ImageError`."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embeddings import ImageError
from embeddings.images import ImageLimits, open_image
from embeddings.images.decoding import ALLOWED_FORMATS
from tests.support.image_samples import BY_FORMAT, SAMPLES

MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "insert", "copy"]), st.floats(0, 1), st.binary(max_size=9)
    ),
    min_size=1,
    max_size=6,
)


def _mutate(data: bytes, mutations: list[tuple[str, float, bytes]]) -> bytes:
    out = bytearray(data)
    for how, where, value in mutations:
        at = int(where * len(out))
        if how == "set":
            out[at : at + len(value)] = value
        elif how == "cut":
            del out[at : at + len(value)]
        elif how == "insert":
            out[at:at] = value
        else:
            out[at:at] = out[at : at + 40]
    return bytes(out)


def _correct_checksums(data: bytes) -> bytes:
    """Correct the checksums of a PNG's chunks, so that mutations get past them."""
    out, at = bytearray(data), 8
    while at + 12 <= len(out):
        length = int.from_bytes(out[at : at + 4], "big")
        end = at + 8 + length
        if end + 4 > len(out):
            break
        struct.pack_into(">I", out, end, zlib.crc32(out[at + 4 : end]))
        at = end + 4
    return bytes(out)


@pytest.mark.parametrize("kind", ALLOWED_FORMATS)
def test_mutated_images_open_or_are_image_errors(kind):
    limits = ImageLimits(max_pixels=100_000)

    @given(st.sampled_from(sorted(BY_FORMAT[kind])), MUTATIONS, st.booleans())
    @example(next(iter(BY_FORMAT[kind])), [("set", 0.5, b"\xff\xff\xff\xff")], True)
    def run(name, mutations, mend):
        data = _mutate(SAMPLES[name], mutations)
        if mend and kind == "PNG":
            data = _correct_checksums(data)
        try:
            image = open_image(data, limits=limits, target=8)
        except ImageError as error:
            refusal = error
        else:
            refusal = None
        if refusal is not None:
            assert refusal.code in {"unsupported_image", "broken_image", "image_too_large"}
            assert "/" not in refusal.message
            return
        assert image.mode == "RGB"
        assert image.width * image.height <= limits.max_pixels
        assert image.info == {}

    run()
