from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from indexer.colours import MeasuredColours, ciede2000, lab_of, measure_colours, rgb_of, unpack

RED, BLUE, WHITE = (200, 30, 40), (30, 60, 170), (255, 255, 255)

# The table of Sharma, Wu and Dalal (2005): two colours and how far apart they are.
SHARMA = """
50 2.6772 -79.7751  50 0 -82.7485  2.0425
50 3.1571 -77.2803  50 0 -82.7485  2.8615
50 2.8361 -74.0200  50 0 -82.7485  3.4412
50 -1.3802 -84.2814  50 0 -82.7485  1.0000
50 -1.1848 -84.8006  50 0 -82.7485  1.0000
50 -0.9009 -85.5211  50 0 -82.7485  1.0000
50 0 0  50 -1 2  2.3669
50 -1 2  50 0 0  2.3669
50 2.49 -0.001  50 -2.49 0.0009  7.1792
50 2.49 -0.001  50 -2.49 0.0010  7.1792
50 2.49 -0.001  50 -2.49 0.0011  7.2195
50 2.49 -0.001  50 -2.49 0.0012  7.2195
50 -0.001 2.49  50 0.0009 -2.49  4.8045
50 -0.001 2.49  50 0.0010 -2.49  4.8045
50 -0.001 2.49  50 0.0011 -2.49  4.7461
50 2.5 0  50 0 -2.5  4.3065
50 2.5 0  73 25 -18  27.1492
50 2.5 0  61 -5 29  22.8977
50 2.5 0  56 -27 -3  31.9030
50 2.5 0  58 24 15  19.4535
50 2.5 0  50 3.1736 0.5854  1.0000
50 2.5 0  50 3.2972 0  1.0000
50 2.5 0  50 1.8634 0.5757  1.0000
50 2.5 0  50 3.2592 0.3350  1.0000
60.2574 -34.0099 36.2677  60.4626 -34.1751 39.4387  1.2644
63.0109 -31.0961 -5.8663  62.8187 -29.7946 -4.0864  1.2630
61.2901 3.7196 -5.3901  61.4292 2.2480 -4.9620  1.8731
35.0831 -44.1164 3.7933  35.0232 -40.0716 1.5901  1.8645
22.7233 20.0904 -46.6940  23.0331 14.9730 -42.5619  2.0373
36.4612 47.8580 18.3852  36.2715 50.5065 21.2231  1.4146
90.8027 -2.0831 1.4410  91.1528 -1.6435 0.0447  1.4441
90.9257 -0.5406 -0.9208  88.6381 -0.8985 -0.7239  1.5381
6.7747 -0.2908 -2.4247  5.8714 -0.0985 -2.2286  0.6377
2.0776 0.0795 -1.1350  0.9033 -0.0636 -0.5514  0.9082
"""


def picture(
    *boxes: tuple[slice, slice, tuple[int, int, int]], background: tuple[int, ...] = WHITE
) -> NDArray[np.uint8]:
    pixels = np.empty((64, 64, 3), np.uint8)
    pixels[:] = background
    for rows, columns, colour in boxes:
        pixels[rows, columns] = colour
    return pixels


def lab(colour: tuple[int, ...]) -> NDArray[np.float32]:
    return lab_of(np.array([[colour]], np.uint8))[0, 0]


@pytest.mark.parametrize("line", SHARMA.strip().splitlines())
def test_ciede2000_is_that_of_its_paper(line: str) -> None:
    numbers = np.array(line.split(), np.float64)
    assert ciede2000(numbers[:3], numbers[3:6]) == pytest.approx(numbers[6], abs=1e-4)


@given(arrays(np.float64, (2, 3), elements=st.floats(-100, 100)))
def test_ciede2000_does_not_depend_on_the_order(pair: NDArray[np.float64]) -> None:
    pair[:, 0] = abs(pair[:, 0])
    assert ciede2000(pair[0], pair[1]) == pytest.approx(ciede2000(pair[1], pair[0]), abs=1e-6)
    assert ciede2000(pair[0], pair[0]) == 0


# Known colours under D50, to which ICC profiles refer: http://www.brucelindbloom.com, sRGB.
@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        ((255, 0, 0), (54.29, 80.81, 69.89)),
        ((0, 255, 0), (87.82, -79.29, 80.99)),
        ((0, 0, 255), (29.57, 68.30, -112.03)),
        ((119, 119, 119), (50.03, 0, 0)),
        (WHITE, (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
    ],
)
def test_srgb_comes_into_cielab(colour: tuple[int, ...], expected: tuple[float, ...]) -> None:
    np.testing.assert_allclose(lab(colour), expected, atol=0.8)


@given(st.tuples(*[st.integers(20, 235)] * 3))
def test_cielab_comes_back_to_srgb(colour: tuple[int, int, int]) -> None:
    assert ciede2000(lab(tuple(rgb_of(lab(colour)).tolist())), lab(colour)) < 3


def test_background_is_set_aside() -> None:
    measured = measure_colours(picture((slice(16, 48), slice(16, 48), RED)))
    assert measured.shares.tolist() == [1]
    np.testing.assert_allclose(measured.lab[0], lab(RED), atol=1)


@pytest.mark.parametrize("background", [WHITE, (20, 20, 20), (120, 160, 120)])
def test_two_colours_have_their_shares(background: tuple[int, ...]) -> None:
    """Stripes of one width each, so that being in the middle does not tell."""
    stripes = [(slice(8, 56), slice(x, x + 8), RED if x % 16 else BLUE) for x in range(8, 56, 8)]
    measured = measure_colours(picture(*stripes, background=background))
    assert len(measured.shares) == 2
    np.testing.assert_allclose(measured.shares, 0.5, atol=0.06)
    found = {min((RED, BLUE), key=lambda c: float(ciede2000(lab(c), row))) for row in measured.lab}
    assert found == {RED, BLUE}


def test_white_before_white_is_the_product_inside_its_outline() -> None:
    shirt = picture(
        (slice(12, 52), slice(12, 52), (205, 205, 210)), (slice(14, 50), slice(14, 50), WHITE)
    )
    measured = measure_colours(shirt)
    assert measured.lab[0][0] > 97
    assert measured.shares[0] > 0.7


def test_gradients_of_light_are_one_background() -> None:
    pixels = picture()
    pixels[:] = np.linspace(235, 255, 64).astype(np.uint8)[:, None, None]
    pixels[20:44, 20:44] = BLUE
    measured = measure_colours(pixels)
    np.testing.assert_allclose(measured.lab[0], lab(BLUE), atol=1)
    assert measured.shares[0] > 0.9


def test_a_picture_that_is_all_one_colour_has_that_colour() -> None:
    measured = measure_colours(picture(background=RED))
    np.testing.assert_allclose(measured.lab, [lab(RED)], atol=1)


def test_the_middle_counts_more_than_the_ends() -> None:
    """A shirt between hair and jeans that take as much room together."""
    worn = picture(
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
def test_any_picture_has_colours_that_survive_the_compact_form(pixels: NDArray[np.uint8]) -> None:
    measured = measure_colours(pixels)
    assert 1 <= len(measured.lab) == len(measured.shares) <= 5
    assert measured.shares.sum() == pytest.approx(1, abs=1e-5)
    assert (np.diff(measured.shares) <= 0).all()
    again = MeasuredColours.from_array(measured.to_array())
    assert again is not None
    np.testing.assert_allclose(again.lab, measured.lab, atol=0.51)
    np.testing.assert_allclose(again.shares, measured.shares, atol=0.02)


def test_the_size_of_a_picture_hardly_matters() -> None:
    small = picture((slice(16, 48), slice(16, 32), RED), (slice(16, 48), slice(32, 48), BLUE))
    large = small.repeat(5, axis=0).repeat(5, axis=1)
    first, second = measure_colours(small), measure_colours(large)
    np.testing.assert_allclose(first.lab, second.lab, atol=1.5)
    np.testing.assert_allclose(first.shares, second.shares, atol=0.03)


def test_rows_of_zeros_were_not_measured() -> None:
    assert MeasuredColours.from_array(np.zeros((5, 4), np.uint8)) is None
    _, shares = unpack(np.zeros((3, 5, 4), np.uint8))
    assert not shares.any()


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 4), (0, 4, 3)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        measure_colours(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        MeasuredColours.from_array(np.zeros(shape, np.uint8))
