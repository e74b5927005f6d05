"""Anomalies: defects drawn on products are told from good samples, and where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from embeddings import BrokenModelError
from embeddings.vision import patch_features
from indexer.anomaly import LEAST_GOOD, AnomalyModel, fit_anomaly, read_anomaly
from indexer.errors import CatalogError
from search_api.demo import draw_catalog

RNG = np.random.default_rng(4)


def product(number: int) -> Image.Image:
    """A drawn product with the grain that a photo has."""
    image = list(draw_catalog(number + 1))[number].image.convert("RGB").resize((192, 192))
    grain = np.random.default_rng(number).normal(0, 6, (192, 192, 3))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


def good(image: Image.Image) -> Image.Image:
    """The same product in another light and position."""
    shift = tuple(int(value) for value in RNG.integers(-3, 4, 2))
    turned = image.rotate(
        RNG.uniform(-2, 2), Image.Resampling.BICUBIC, fillcolor="white", translate=shift
    )
    return ImageEnhance.Brightness(turned).enhance(RNG.uniform(0.95, 1.05))


def damaged(image: Image.Image) -> tuple[Image.Image, tuple[float, float]]:
    """The product with a spot of 3% of the picture near its middle, and where, as fractions."""
    x, y = RNG.uniform(70, 120, 2)
    spot = Image.new("L", image.size)
    ImageDraw.Draw(spot).ellipse((x - 18, y - 18, x + 18, y + 18), fill=255)
    shift = np.asarray(spot)[..., None] / 255 * RNG.choice([-1, 1], 3) * 45
    pixels = np.clip(np.asarray(image) + shift, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels), (float(x) / 192, float(y) / 192)


@pytest.fixture(scope="module")
def fitted() -> tuple[Image.Image, AnomalyModel]:
    image = product(3)
    return image, fit_anomaly([patch_features(good(image)) for _ in range(12)])


def test_defects_score_above_good_samples(fitted: tuple[Image.Image, AnomalyModel]) -> None:
    image, model = fitted
    fine = [model.score(patch_features(good(image))) for _ in range(8)]
    bad = [model.score(patch_features(damaged(good(image))[0])) for _ in range(8)]
    pairs = [a.score > b.score for a in bad for b in fine]
    assert np.mean(pairs) >= 0.9  # AUROC
    assert sum(each.anomalous for each in bad) > sum(each.anomalous for each in fine)


def test_the_map_shows_where(fitted: tuple[Image.Image, AnomalyModel]) -> None:
    image, model = fitted
    spot, (x, y) = damaged(image)
    distances = model.score(patch_features(spot)).distances
    assert distances.shape == (40, 40)
    row, column = np.unravel_index(int(distances.argmax()), distances.shape)
    assert abs((column + 0.5) / 40 - x) < 0.15
    assert abs((row + 0.5) / 40 - y) < 0.15


def test_another_product_is_an_anomaly(fitted: tuple[Image.Image, AnomalyModel]) -> None:
    _, model = fitted
    assert model.score(patch_features(product(7))).anomalous


def test_a_model_is_the_same_after_storage(
    fitted: tuple[Image.Image, AnomalyModel], tmp_path: Path
) -> None:
    image, model = fitted
    model.write(tmp_path / "model")
    read = read_anomaly(tmp_path / "model")
    features = patch_features(good(image))
    assert read.score(features).score == model.score(features).score


def test_other_files_are_no_models(
    fitted: tuple[Image.Image, AnomalyModel], tmp_path: Path
) -> None:
    path = tmp_path / "model"
    fitted[1].write(path)
    whole = path.read_bytes()
    for content in (
        b"",
        b"no model",
        whole[:100],
        whole[:-10],
        whole.replace(b"anomaly-1", b"anomaly-9"),
    ):
        path.write_bytes(content)
        with pytest.raises(BrokenModelError, match="lookalike anomaly fit"):
            read_anomaly(path)
    with pytest.raises(BrokenModelError, match="missing, damaged"):
        read_anomaly(tmp_path / "none")


def test_too_few_good_images_are_refused() -> None:
    with pytest.raises(CatalogError, match="too few"):
        fit_anomaly([patch_features(product(0))] * (LEAST_GOOD - 1))


def test_good_images_that_are_all_the_same_still_give_a_model() -> None:
    features = patch_features(product(0))
    model = fit_anomaly([features] * LEAST_GOOD)
    assert not model.score(features).anomalous
    assert model.deviation > 0


def test_features_of_another_kind_are_refused(fitted: tuple[Image.Image, AnomalyModel]) -> None:
    with pytest.raises(BrokenModelError, match="Fit it again"):
        fitted[1].score(np.ones((4, 4, 7), np.float32))


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (300, 100)])
def test_any_shape_has_features_of_unit_length(size: tuple[int, int]) -> None:
    features = patch_features(Image.new("RGB", size, "teal"))
    assert features.shape[:2] == (40, 40)
    np.testing.assert_allclose(np.linalg.norm(features, axis=2), 1, atol=1e-3)
