"""Dominant colours of images whose colours are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from indexer.colours import MeasuredColours, ciede2000, lab_of, measure_colours, unpack

RED, BLUE, WHITE = (200, 30, 40), (30, 60, 170), (255, 255, 255)


def image(
    *boxes: tuple[slice, slice, tuple[int, int, int]], background: tuple[int, ...] = WHITE
) -> NDArray[np.uint8]:
    pixels = np.empty((64, 64, 3), np.uint8)
    pixels[:] = background
    for rows, columns, colour in boxes:
        pixels[rows, columns] = colour
    return pixels


def lab(colour: tuple[int, ...]) -> NDArray[np.float32]:
    return lab_of(np.array([[colour]], np.uint8))[0, 0]


def test_background_is_set_aside() -> None:
    measured = measure_colours(image((slice(16, 48), slice(16, 48), RED)))
    assert measured.shares.tolist() == [1]
    np.testing.assert_allclose(measured.lab[0], lab(RED), atol=1)


@pytest.mark.parametrize("background", [WHITE, (20, 20, 20), (120, 160, 120)])
def test_two_colours_have_their_shares(background: tuple[int, ...]) -> None:
    """Stripes of one width each, so that being in the middle does not tell."""
    stripes = [(slice(8, 56), slice(x, x + 8), RED if x % 16 else BLUE) for x in range(8, 56, 8)]
    measured = measure_colours(image(*stripes, background=background))
    assert len(measured.shares) == 2
    np.testing.assert_allclose(measured.shares, 0.5, atol=0.06)
    found = {min((RED, BLUE), key=lambda c: float(ciede2000(lab(c), row))) for row in measured.lab}
    assert found == {RED, BLUE}


def test_white_before_white_is_the_product_inside_its_outline() -> None:
    shirt = image(
        (slice(12, 52), slice(12, 52), (205, 205, 210)), (slice(14, 50), slice(14, 50), WHITE)
    )
    measured = measure_colours(shirt)
    assert measured.lab[0][0] > 97
    assert measured.shares[0] > 0.7


def test_gradients_of_light_are_one_background() -> None:
    pixels = image()
    pixels[:] = np.linspace(235, 255, 64).astype(np.uint8)[:, None, None]
    pixels[20:44, 20:44] = BLUE
    measured = measure_colours(pixels)
    np.testing.assert_allclose(measured.lab[0], lab(BLUE), atol=1)
    assert measured.shares[0] > 0.9


def test_an_image_of_one_colour_has_that_colour() -> None:
    measured = measure_colours(image(background=RED))
    np.testing.assert_allclose(measured.lab, [lab(RED)], atol=1)


def test_the_middle_counts_more_than_the_ends() -> None:
    """A shirt between hair and jeans that take as much room together."""
    worn = image(
        (slice(4, 18), slice(20, 44), (40, 30, 20)),
        (slice(18, 46), slice(20, 44), RED),
        (slice(46, 60), slice(20, 44), BLUE),
    )
    measured = measure_colours(worn)
    np.testing.assert_allclose(measured.lab[0], lab(RED), atol=2)
    assert measured.shares[0] > 0.6


@given(
    arrays(
        np.uint8,
        st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)),
        elements=st.integers(0, 255),
    )
)
def test_any_image_has_colours_that_survive_the_compact_form(pixels: NDArray[np.uint8]) -> None:
    measured = measure_colours(pixels)
    assert 1 <= len(measured.lab) == len(measured.shares) <= 5
    assert measured.shares.sum() == pytest.approx(1, abs=1e-5)
    assert (np.diff(measured.shares) <= 0).all()
    again = MeasuredColours.from_array(measured.to_array())
    assert again is not None
    np.testing.assert_allclose(again.lab, measured.lab, atol=0.51)
    np.testing.assert_allclose(again.shares, measured.shares, atol=0.02)


def test_the_size_of_an_image_hardly_matters() -> None:
    small = image((slice(16, 48), slice(16, 32), RED), (slice(16, 48), slice(32, 48), BLUE))
    large = small.repeat(5, axis=0).repeat(5, axis=1)
    first, second = measure_colours(small), measure_colours(large)
    np.testing.assert_allclose(first.lab, second.lab, atol=1.5)
    np.testing.assert_allclose(first.shares, second.shares, atol=0.03)


def test_rows_of_zeros_were_not_measured() -> None:
    assert MeasuredColours.from_array(np.zeros((5, 4), np.uint8)) is None
    _, shares = unpack(np.zeros((3, 5, 4), np.uint8))
    assert not shares.any()


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (0, 4, 3)])
def test_other_arrays_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        measure_colours(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        MeasuredColours.from_array(np.zeros(shape, np.uint8))
