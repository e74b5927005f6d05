"""Writing of segments: batches, mixed-in titles, and files that grow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from indexer.index import Segment, new_segment_id, write_segment
from indexer.index.segments import open_segment_files
from indexer.index.segments.column_files import ArrayFile, ArrowFile, BlobFile
from indexer.storage import TEXT_FILES, SegmentLayout, sha256_of
from tests.support.random_indices import DIM, TYPES, random_products


def test_batches_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    products = random_products(50)
    whole = SegmentLayout(tmp_path / "whole")
    expected = write_segment(whole, products, TYPES, DIM)
    monkeypatch.setattr("indexer.index.segments.writer._BATCH", 4)
    parts = SegmentLayout(tmp_path / "parts")
    record = write_segment(parts, iter(products), TYPES, DIM)
    assert (record.products, record.images) == (expected.products, expected.images) == (
        len(products), 50,
    )  # fmt: skip
    for path in (whole.vectors, whole.thumbnails, whole.colours, whole.product_lookup):
        assert sha256_of(path) == sha256_of(parts.root / path.name)
    one, other = (
        Segment(open_segment_files(layout, files, DIM), files, TYPES)
        for layout, files in ((whole, expected), (parts, record))
    )
    assert one.field_table == other.field_table
    for row in range(len(products)):
        assert one.image_rows(row) == other.image_rows(row)
        assert one.product_id(row) == other.product_id(row)


def test_titles_mixed_in_are_searched_and_the_images_kept(tmp_path: Path) -> None:
    mixed = np.eye(DIM, dtype=np.float16)[3]
    products = [
        replace(product, images=[replace(image, searched=mixed) for image in product.images])
        for product in random_products(20)
    ]
    layout = SegmentLayout(tmp_path / "segment")
    record = write_segment(layout, products, TYPES, DIM, text_weight=0.5)
    assert record.text_weight == 0.5
    assert set(TEXT_FILES) <= set(record.files)
    segment = Segment(open_segment_files(layout, record, DIM), record, TYPES)
    assert (segment.searched == mixed).all()
    assert not (segment.vectors == mixed).all()
    scores, _ = segment.neighbours.search(mixed.astype(np.float32), 20)
    assert scores.tolist() == [1.0] * 20


def test_a_segment_without_products(tmp_path: Path) -> None:
    layout = SegmentLayout(tmp_path / "empty")
    record = write_segment(layout, [], TYPES, DIM)
    assert (record.products, record.images) == (0, 0)
    segment = Segment(open_segment_files(layout, record, DIM), record, TYPES)
    assert (segment.vectors.shape, segment.keywords) == ((0, DIM), None)
    assert segment.find("p0") is None


def test_segment_ids_are_unique_and_sort_by_time() -> None:
    ids = [new_segment_id() for _ in range(100)]
    assert len(set(ids)) == 100
    assert [name[:15] for name in ids] == sorted(name[:15] for name in ids)


def test_an_array_file_grows_by_rows(tmp_path: Path) -> None:
    rows = np.arange(12, dtype="<f2").reshape(3, 2, 2)
    with ArrayFile(tmp_path / "a.npy", "<f2", (2, 2)) as file:
        for row in rows:
            file.append(row.tobytes())
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), rows)
    with ArrayFile(tmp_path / "none.npy", "|u1", (5, 4)):
        pass
    assert np.load(tmp_path / "none.npy").shape == (0, 5, 4)


def test_an_arrow_file_is_a_table_of_its_batches(tmp_path: Path) -> None:
    batch = pa.RecordBatch.from_pydict({"n": [1, 2]})
    with ArrowFile(tmp_path / "t.arrow", batch.schema) as file:
        file.append(batch)
        file.append(batch)
    table = pa.ipc.open_file(pa.BufferReader((tmp_path / "t.arrow").read_bytes())).read_all()
    assert table.to_pydict() == {"n": [1, 2, 1, 2]}


def test_a_blob_file_tells_where_the_next_begins(tmp_path: Path) -> None:
    with BlobFile(tmp_path / "b.bin") as file:
        places = []
        for content in (b"one", b"", b"three"):
            places.append(file.size)
            file.append(content)
    assert places == [0, 3, 3]
    assert (tmp_path / "b.bin").read_bytes() == b"onethree"
