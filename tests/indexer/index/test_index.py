"""Nearest products and lookups by id."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from embeddings import FakeEncoder
from indexer import QueryError, UnknownProductError
from indexer.errors import EncoderMismatchError
from indexer.index import Index
from indexer.retrieval import parse_filter

RED, GREEN, BLUE = np.eye(3, dtype=np.float32)
ALL_COLOURS = ["blue", "dark-red", "green", "red", "yellow"]


def test_hits_are_the_nearest_in_order_with_their_cosines(colour_generations: Index) -> None:
    hits = colour_generations.search(RED, 3, fields=["price"])
    # red and dark red point the same way; the tie keeps catalog order; yellow is at 45 degrees
    assert [hit.id for hit in hits] == ["red", "dark-red", "yellow"]
    assert [hit.score for hit in hits] == pytest.approx([1, 1, 2**-0.5], abs=1e-3)
    assert [hit.fields for hit in hits] == [{"price": 1.5}, {"price": 5.5}, {"price": 4.5}]


def test_excluded_products_are_left_out_and_replaced(colour_generations: Index) -> None:
    hits = colour_generations.search(RED, 2, exclude={"red"})
    assert [hit.id for hit in hits] == ["dark-red", "yellow"]


def test_k_beyond_the_index_gives_everything_once(colour_generations: Index) -> None:
    hits = colour_generations.search(GREEN, 1000)
    assert sorted(hit.id for hit in hits) == ALL_COLOURS


def test_unknown_fields_and_products_are_named(colour_generations: Index) -> None:
    index = colour_generations
    with pytest.raises(QueryError, match=r"'prize'.*price, title"):
        index.search(RED, 1, fields=["prize"])
    for lookup in (index.get, index.fields, index.vector, index.colours):
        with pytest.raises(UnknownProductError, match="'nope'"):
            lookup("nope")
    for number in (1, -1):
        for of_image in (index.thumbnail, index.image_vector):
            with pytest.raises(UnknownProductError, match="'red' has 1 picture"):
                of_image("red", number)


def test_a_product_is_found_by_its_id(colour_generations: Index) -> None:
    product = colour_generations.get("green")
    assert product.fields == {"title": "A green thing", "price": 2.5}
    assert [image.location for image in product.images] == ["green.png"]
    assert colour_generations.fields("green", ["price"]) == {"price": 2.5}
    np.testing.assert_allclose(colour_generations.vector("green"), GREEN, atol=1e-3)
    np.testing.assert_allclose(colour_generations.image_vector("green", 0), GREEN, atol=1e-3)
    assert colour_generations.thumbnail("green", 0)[8:12] == b"WEBP"
    assert "green" in colour_generations
    assert "nope" not in colour_generations


def test_another_encoder_is_refused_naming_both(colour_generations: Index) -> None:
    other = FakeEncoder(name="other", fingerprint="0123456789abcdef")
    with pytest.raises(
        EncoderMismatchError,
        match=r"'fake' \(fake-fingerp.*'other' \(0123456789ab, 3.*Use --model 'fake'",
    ):
        colour_generations.check_encoder(other.spec)
    colour_generations.check_encoder(FakeEncoder().spec)


@pytest.mark.parametrize(
    ("raw", "passes"),
    [
        (None, lambda n: True),
        ({"odd": True}, lambda n: n % 2 == 1),
        ({"n": {"lt": 7}}, lambda n: n < 7),
        ({"n": {"gte": 390}, "odd": False}, lambda n: n >= 390 and n % 2 == 0),
        ({"n": -1}, lambda n: False),
    ],
)
def test_two_segments_answer_as_brute_force_does(
    random_index: Index,
    stored_vectors: list[tuple[int, np.ndarray]],
    raw: dict[str, object] | None,
    passes: Callable[[int], bool],
) -> None:
    where = None if raw is None else parse_filter(raw, random_index.manifest.fields)
    for query in np.random.default_rng(1).normal(size=(10, 16)):
        vector = (query / np.linalg.norm(query)).astype(np.float32)
        best: dict[str, float] = {}
        for owner, stored in stored_vectors:
            if passes(owner):
                best[f"p{owner}"] = max(best.get(f"p{owner}", -2), float(stored @ vector))
        expected = sorted(best, key=lambda product: -best[product])[:10]
        hits = random_index.search(vector, 10, where=where)
        assert [hit.id for hit in hits] == expected
        assert [hit.score for hit in hits] == pytest.approx([best[p] for p in expected], abs=1e-4)
    assert random_index.count(where) == len(best)


def test_what_was_found_is_looked_up_in_its_order(random_index: Index) -> None:
    vector = np.full(16, 0.25, np.float32)
    found = random_index.nearest(vector, 20)
    matches = random_index.matches(found, ["n"])
    assert random_index.ids(found) == tuple(match.id for match in matches)
    assert [match.fields for match in matches] == [{"n": int(m.id[1:])} for m in matches]
    vectors = random_index.image_vectors(found)
    for match, row, place in zip(matches, vectors, found, strict=True):
        np.testing.assert_array_equal(row, random_index.image_vector(match.id, match.image))
        assert float(row @ vector) == pytest.approx(place.score, abs=1e-4)
