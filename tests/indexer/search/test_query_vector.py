from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from embeddings import FakeEncoder
from indexer import QueryError, UnknownProductError
from indexer.search import Engine, ImagePart, LikePart, QueryPart, TextPart, encode_images
from indexer.search.query_vector import encode_parts, query_kind
from indexer.storage import QueryKind

GREEN = Image.new("RGB", (4, 4), (0, 255, 0))


def test_parts_are_summed_by_weight(engine: Engine) -> None:
    vector = engine.embed([TextPart("red", 2), TextPart("green"), TextPart("blue", -0.5)])
    np.testing.assert_allclose(vector, np.array([2, 1, -0.5]) / np.sqrt(5.25), atol=1e-6)
    mixed = engine.embed([LikePart("blue", 3), ImagePart(GREEN, 2), TextPart("red")])
    np.testing.assert_allclose(mixed, np.array([1, 2, 3]) / np.sqrt(14), atol=1e-3)


def test_each_kind_is_embedded_in_the_order_of_the_parts() -> None:
    blue = ImagePart(Image.new("RGB", (4, 4), (0, 0, 255)))
    parts = [TextPart("red"), blue, TextPart("green"), LikePart("x"), ImagePart(GREEN)]
    encoded = encode_parts(FakeEncoder(), parts)
    np.testing.assert_allclose(encoded.texts, [[1, 0, 0], [0, 1, 0]], atol=1e-6)
    np.testing.assert_allclose(encoded.images, [[0, 0, 1], [0, 1, 0]], atol=1e-6)
    nothing = encode_parts(FakeEncoder(), [LikePart("x")])
    assert nothing.texts.shape == nothing.images.shape == (0, 3)


def test_images_are_embedded_as_one_batch() -> None:
    red = Image.new("RGB", (9, 5), (200, 0, 0))
    np.testing.assert_allclose(
        encode_images(FakeEncoder(), [red, GREEN]), [[1, 0, 0], [0, 1, 0]], atol=1e-6
    )
    assert encode_images(FakeEncoder(), []).shape == (0, 3)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ([], "empty"),
        ([TextPart("red"), TextPart("red", -1)], "cancel"),
        ([TextPart("red", 0)], "cancel"),
    ],
)
def test_parts_that_make_no_vector_are_refused(
    engine: Engine, parts: list[QueryPart], problem: str
) -> None:
    with pytest.raises(QueryError, match=problem):
        engine.embed(parts)


def test_an_unknown_product_is_refused(engine: Engine) -> None:
    with pytest.raises(UnknownProductError, match="nope"):
        engine.embed([LikePart("nope")])


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ([TextPart("red")], QueryKind.TEXT),
        ([ImagePart(GREEN)], QueryKind.IMAGE),
        ([LikePart("red")], QueryKind.IMAGE),
        ([LikePart("red"), TextPart("red")], QueryKind.MIXED),
    ],
)
def test_products_count_as_images(parts: list[QueryPart], kind: QueryKind) -> None:
    assert query_kind(parts) is kind
