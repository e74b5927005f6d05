"""The shipped model: canonical vectors, and quality on drawn products."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from PIL import Image

from embeddings import ZeroShotClassifier
from embeddings.clip import ClipEncoder, load_encoder
from embeddings.models import COMPACT_FOLDER, find_spec
from search_api.demo import draw_catalog, draw_product
from tests.support.canonical import TEXTS, VECTORS, images


@pytest.fixture(scope="module")
def compact() -> ClipEncoder:
    return load_encoder("compact", precision="fp32")


def encode(encoder: ClipEncoder, shown: list[Image.Image]) -> np.ndarray:
    return encoder.encode_images(np.stack([encoder.preprocess(image) for image in shown]))


def test_canonical_vectors(compact: ClipEncoder) -> None:
    expected = json.loads(VECTORS.read_text("utf-8"))
    np.testing.assert_allclose(encode(compact, images()), expected["images"], atol=1e-3)
    np.testing.assert_allclose(compact.encode_texts(TEXTS), expected["texts"], atol=1e-3)


def test_the_model_table_describes_it(compact: ClipEncoder) -> None:
    spec = find_spec("compact")
    assert spec is not None
    assert spec.sha256 is not None
    assert compact.spec.dim == spec.dim
    assert sum(path.stat().st_size for path in COMPACT_FOLDER.iterdir()) <= 45e6


def test_automatic_precision_keeps_the_vectors(compact: ClipEncoder) -> None:
    automatic = load_encoder("compact")
    cosines = (encode(compact, images()) * encode(automatic, images())).sum(axis=1)
    assert np.median(cosines) >= 0.999
    assert cosines.min() >= 0.99


def test_titles_find_their_drawings(compact: ClipEncoder) -> None:
    products = list(draw_catalog(150, seed=4321))
    vectors = encode(compact, [product.image for product in products])
    texts = compact.encode_texts([product.title for product in products])
    ranks = (texts @ vectors.T).argsort(axis=1)[:, ::-1]
    found = [row in ranks[row, :10] for row in range(len(products))]
    assert np.mean(found) > 0.6  # chance is 0.07


@pytest.mark.parametrize("kind", ["mug", "dress", "backpack"])
def test_colours_of_drawings_are_distinguished(compact: ClipEncoder, kind: str) -> None:
    colours = ["red", "blue", "green", "yellow", "black"]
    classifier = ZeroShotClassifier(compact, [f"{colour} {kind}" for colour in colours])
    drawn = [
        draw_product(kind, colour, "plain", None, random.Random(f"{kind}{colour}"))
        for colour in colours
    ]
    best = classifier.probabilities(encode(compact, drawn)).argmax(axis=1)
    assert (best == np.arange(len(colours))).mean() >= 0.8
