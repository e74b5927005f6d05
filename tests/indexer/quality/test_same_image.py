"""Comparison of pairs of images: known differences, each pair as if it were alone."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from indexer.quality.same_image import ComparedImage, Difference, Pair, compare
from tests.support.image_catalogs import drawn

WHOLE = (0.0, 0.0, 1.0, 1.0)
IMAGES = [product.image.convert("RGB").resize((96, 128)) for product in drawn(6)]


def pair(
    whole: Image.Image,
    part: Image.Image,
    start: tuple[float, float, float, float] = WHOLE,
    *,
    mirrored: bool = False,
) -> Pair:
    return Pair(ComparedImage(whole), ComparedImage(part), start, mirrored)


def differences(*pairs: Pair) -> list[Difference]:
    """The differences of pairs, all of which have one."""
    found = [difference for difference in compare(pairs) if difference is not None]
    assert len(found) == len(pairs)
    return found


def test_equal_pixels_do_not_differ() -> None:
    image = IMAGES[0]
    same, mirrored = differences(
        pair(image, image), pair(image, ImageOps.mirror(image), mirrored=True)
    )
    assert (same.amount, same.cut) == (0, 0)
    assert mirrored.amount < 0.2


def test_a_crop_is_found_where_it_was_cut() -> None:
    image = IMAGES[1].resize((300, 400))
    cropped = image.crop((15, 0, 300, 400)).resize((200, 300))
    (found,) = differences(pair(image, cropped))
    assert found.amount < 1
    assert abs(found.cut - 0.05) < 0.01


def test_pairs_are_compared_as_if_each_were_alone() -> None:
    pairs = [
        pair(whole, part.resize(size), mirrored=mirrored)
        for whole in IMAGES[:3]
        for part, size, mirrored in zip(
            IMAGES, [(96, 128), (48, 64), (60, 80)] * 2, [False, True] * 3, strict=True
        )
    ]
    together = np.array([(one.amount, one.cut) for one in differences(*pairs)])
    alone = np.array([(one.amount, one.cut) for two in pairs for one in differences(two)])
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-3)


def test_pairs_that_differ_by_more_than_the_limit_have_no_result() -> None:
    pairs = [pair(IMAGES[0], image) for image in IMAGES]
    amounts = [found.amount for found in differences(*pairs)]
    limit = sorted(amounts)[3]
    kept = [found is not None for found in compare(pairs, limit)]
    assert kept == [amount <= limit for amount in amounts]
    assert sum(kept) == 4
