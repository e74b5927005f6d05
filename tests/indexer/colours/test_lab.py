"""CIELAB: conversion and CIEDE2000, against published values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from indexer.colours import ciede2000, lab_of, rgb_of

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
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
    ],
)
def test_srgb_comes_into_cielab(colour: tuple[int, ...], expected: tuple[float, ...]) -> None:
    np.testing.assert_allclose(lab(colour), expected, atol=0.8)


@given(st.tuples(*[st.integers(20, 235)] * 3))
def test_cielab_comes_back_to_srgb(colour: tuple[int, int, int]) -> None:
    assert ciede2000(lab(tuple(rgb_of(lab(colour)).tolist())), lab(colour)) < 3
