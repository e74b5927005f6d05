"""`FakeEncoder`: vectors computed by hand."""

from __future__ import annotations

import numpy as np

from embeddings import Encoder, FakeEncoder

R2 = 2**-0.5
R3 = 3**-0.5


def test_it_is_an_encoder() -> None:
    assert isinstance(FakeEncoder(), Encoder)


def test_images_become_their_mean_colour() -> None:
    pixels = np.zeros((3, 8, 8, 3), np.uint8)
    pixels[0, ..., 0] = 200  # red
    pixels[1, ..., :2] = 255  # yellow
    vectors = FakeEncoder().encode_images(pixels)  # the third is black
    np.testing.assert_allclose(vectors, [[1, 0, 0], [R2, R2, 0], [R3, R3, R3]], atol=1e-6)


def test_texts_become_the_colours_they_name() -> None:
    vectors = FakeEncoder().encode_texts(["A Red shoe", "green and blue", "a shoe"])
    np.testing.assert_allclose(vectors, [[1, 0, 0], [0, R2, R2], [R3, R3, R3]], atol=1e-6)


def test_nothing_gives_no_rows() -> None:
    assert FakeEncoder().encode_texts([]).shape == (0, 3)
    assert FakeEncoder().encode_images(np.empty((0, 8, 8, 3), np.uint8)).shape == (0, 3)
