"""Preprocessing: equal to open_clip's, and bounded for extreme shapes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from embeddings import Preprocess, ResizeMode


def noise(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(width * 1000 + height)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


@given(
    width=st.integers(1, 400),
    height=st.integers(1, 400),
    mode=st.sampled_from(ResizeMode),
    size=st.sampled_from([(160, 160), (224, 224), (96, 64)]),
    interpolation=st.sampled_from(["bicubic", "bilinear"]),
    fill=st.sampled_from([0, 255]),
)
def test_it_gives_what_open_clip_gives(
    width: int,
    height: int,
    mode: ResizeMode,
    size: tuple[int, int],
    interpolation: str,
    fill: int,
) -> None:
    assume(max(width, height) <= 16 * min(width, height))  # longer strips are trimmed first
    image = noise(width, height)
    ours = Preprocess(size, mode, interpolation, fill)(image)
    config = PreprocessCfg(
        size=size,
        mean=(0, 0, 0),
        std=(1, 1, 1),
        interpolation=interpolation,
        resize_mode=mode,
        fill_color=fill,
    )
    theirs = image_transform_v2(config, is_train=False)(image)
    theirs_pixels = (theirs.numpy().transpose(1, 2, 0) * 255).round().astype(np.uint8)
    np.testing.assert_array_equal(ours, theirs_pixels)


@pytest.mark.parametrize("mode", ResizeMode)
@pytest.mark.parametrize("size", [(1, 10_000), (10_000, 1), (1, 1)])
def test_extreme_shapes_stay_small(mode: ResizeMode, size: tuple[int, int]) -> None:
    pixels = Preprocess((160, 160), mode)(Image.new("RGB", size, (10, 20, 30)))
    assert pixels.shape == (160, 160, 3)
    assert pixels.dtype == np.uint8
    assert (pixels.reshape(-1, 3) == (10, 20, 30)).all(axis=1).any()


def test_padding_has_the_fill_colour() -> None:
    pixels = Preprocess((100, 100), ResizeMode.LONGEST, fill=255)(Image.new("RGB", (50, 100)))
    assert (pixels[:, :25] == 255).all()
    assert (pixels[:, 25:75] == 0).all()
    assert (pixels[:, 75:] == 255).all()
