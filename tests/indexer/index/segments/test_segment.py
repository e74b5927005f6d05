"""Segments: views of generations, their types and filters, and the best image of a product."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from indexer.catalog import FieldType
from indexer.errors import DamagedIndexError
from indexer.index import Index, Segment, write_segment
from indexer.index.segments import open_segment_files
from indexer.retrieval import evaluate, parse_filter
from indexer.storage import QueryKind, SegmentLayout
from tests.support.random_indices import DIM, TYPES, random_products


@pytest.fixture
def segment(tmp_path: Path) -> Segment:
    layout = SegmentLayout(tmp_path / "segment")
    record = write_segment(layout, random_products(60), TYPES, DIM)
    return Segment(open_segment_files(layout, record, DIM), record, TYPES)


def test_rows_are_the_products_in_their_order(segment: Segment) -> None:
    products = random_products(60)
    assert segment.products == len(products)
    for row, product in enumerate(products):
        assert segment.find(product.id) == row
        assert segment.product_id(row) == product.id
        assert segment.catalog_row(row) == product.fields
        assert segment.digest(row) == product.digest
        for image_row, image in zip(segment.image_rows(row), product.images, strict=True):
            assert segment.image_product[image_row] == row
            assert segment.content(image_row) == image.sha256
            assert segment.location(image_row) == image.location
            assert segment.find_content(image.sha256) == image_row
            np.testing.assert_array_equal(segment.vectors[image_row], image.vector)
    assert segment.find("p-1") is None
    assert segment.find_content(bytes(31) + b"\xff") is None
    odd = np.array([product.fields["odd"] for product in products])
    images = [len(product.images) for product in products]
    assert segment.count_images(odd) == sum(np.array(images)[odd])


def test_the_same_view_of_the_same_generation(segment: Segment) -> None:
    assert segment.in_generation(segment.record, TYPES, None) is segment
    fewer = replace(segment.record, deleted="0-1", deleted_products=2, deleted_images=3)
    view = segment.in_generation(fewer, TYPES, None)
    assert (view.products, view.alive[:3].tolist()) == (segment.products - 2, [False, False, True])
    assert view.alive_images is not None
    assert not view.alive_images.mask[: view.image_rows(2).start].any()
    assert segment.alive.all()


def test_a_later_generation_may_have_wider_types_and_more_fields(segment: Segment) -> None:
    types = {"n": FieldType.FLOAT, "odd": FieldType.BOOLEAN, "new": FieldType.TEXT}
    assert segment.accepts_types(types)
    view = segment.in_generation(segment.record, types, None)
    assert view.field_table.column_names == ["n", "odd", "new"]
    assert isinstance(view.fields(0)["n"], float)
    assert view.fields(0) == segment.fields(0)
    assert [type(segment.fields(0)["n"]), segment.field_table.column_names] == [int, ["n", "odd"]]
    narrower = {"n": FieldType.TEXT, "odd": FieldType.BOOLEAN}
    assert not segment.accepts_types(narrower)
    assert not segment.accepts_types({"n": FieldType.INTEGER})
    with pytest.raises(DamagedIndexError, match="'n' of segment segment is int64"):
        segment.in_generation(segment.record, narrower, None)


def test_a_filter_is_evaluated_once_for_each_generation(
    segment: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated = []

    def counting(predicate: object, columns: object) -> np.ndarray:
        evaluated.append(predicate)
        return evaluate(predicate, columns)  # type: ignore[arg-type]

    monkeypatch.setattr("indexer.index.segments.segment.evaluate", counting)
    where = parse_filter({"odd": True}, TYPES)
    vector = np.eye(DIM, dtype=np.float32)[0]
    found = segment.nearest(vector, 5, where, QueryKind.IMAGE)
    assert all(segment.fields(row)["odd"] for row in found.products.tolist())
    again = segment.nearest(vector, 5, parse_filter({"odd": True}, TYPES), QueryKind.IMAGE)
    assert again.products.tolist() == found.products.tolist()
    assert evaluated == [where]
    first = int(found.products[0])
    fewer = replace(segment.record, deleted=str(first), deleted_products=1, deleted_images=1)
    later = segment.in_generation(fewer, TYPES, None).nearest(vector, 4, where, QueryKind.IMAGE)
    assert later.products.tolist() == found.products[1:].tolist()
    assert later.images.tolist() == found.images[1:].tolist()
    assert evaluated == [where, where]


def test_best_images_are_those_of_brute_force(random_index: Index) -> None:
    segment = random_index.segments[0]
    rng = np.random.default_rng(2)
    rows = rng.permutation(segment.record.products)[:50]
    vector = np.asarray(rng.normal(size=DIM), np.float32)
    cosines, images = segment.best_images(rows, vector)
    for row, cosine, image in zip(rows.tolist(), cosines, images, strict=True):
        own = list(segment.image_rows(row))
        expected = segment.vectors[own].astype(np.float32) @ vector
        assert image == own[int(expected.argmax())]
        assert cosine == pytest.approx(expected.max(), rel=1e-5)
