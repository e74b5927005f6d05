from __future__ import annotations

from indexer.calibration.background import unrelated_images, unrelated_phrases


def test_phrases_that_the_catalog_uses_are_left_out() -> None:
    everything = unrelated_phrases(["a chair"])
    furniture = unrelated_phrases(["Sofas", "desk lamp"])
    assert set(everything) - set(furniture) == {"sofa", "desk lamp"}
    assert "sofa" not in unrelated_phrases([])  # without texts it may sell anything
    assert "volcano eruption" in unrelated_phrases([])
    # tests/test_real_catalogs.py searches for it, so it must not be fitted to.
    assert "suspension bridge" not in everything


def test_unrelated_images_are_always_the_same_and_all_different() -> None:
    first = [image.tobytes() for image in unrelated_images()]
    assert first == [image.tobytes() for image in unrelated_images()]
    assert len(set(first)) == len(first) == 32
