"""Vectors of catalogs: the rows that are asked for, each embedded once."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from embeddings import FakeEncoder, FloatArray, PixelArray
from scripts.support.catalog_vectors import CatalogVectors

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A set of four images of one colour each, in two files."""
    for part in (0, 1):
        images = []
        for colour in COLOURS[2 * part : 2 * part + 2]:
            file = io.BytesIO()
            Image.new("RGB", (8, 8), colour).save(file, "PNG")
            images.append(file.getvalue())
        table = pa.table({"id": [f"{part}-0", f"{part}-1"], "image": images})
        pq.write_table(table, tmp_path / f"sample-000{part}.parquet")
    return tmp_path


class CountingEncoder(FakeEncoder):
    """A fake encoder that counts the images that it embeds."""

    count = 0

    def encode_images(self, pixels: PixelArray) -> FloatArray:
        self.count += len(pixels)
        return super().encode_images(pixels)


def test_rows_come_as_asked_and_are_embedded_once(data: Path, tmp_path: Path) -> None:
    encoder = CountingEncoder()
    vectors = CatalogVectors(encoder, data, tmp_path / "cache", "sample")
    expected = np.array(COLOURS, np.float32)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors.of([3, 1]), expected[[3, 1]], atol=1e-6)
    assert encoder.count == 2
    again = CatalogVectors(encoder, data, tmp_path / "cache", "sample")
    np.testing.assert_allclose(again.everything(), expected, atol=1e-6)
    assert encoder.count == 4
    again.of([0, 1, 2, 3])
    assert encoder.count == 4
