"""The images of an index, numbered through, and the scan of their thumbnails."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from indexer.index import (
    SCAN_SIDE,
    ImageTable,
    Index,
    NewImage,
    NewProduct,
    open_thumbnail,
    scan_images,
    write_segment,
)
from indexer.storage import EncoderRecord, Layout, Manifest, publish


def test_images_are_numbered_by_segment_and_row(random_index: Index) -> None:
    table = ImageTable(random_index)
    assert (len(table), table.products) == (800, random_index.manifest.products)
    sizes = [len(segment.image_product) for segment in random_index.segments]
    assert table.segment.tolist() == [0] * sizes[0] + [1] * sizes[1]
    assert table.row.tolist() == [*range(sizes[0]), *range(sizes[1])]
    for image in (0, 1, 57, sizes[0] - 1, sizes[0], 799):
        segment, row = table.locate(image)
        assert segment is random_index.segments[table.segment[image]]
        assert table.content(image) == segment.content(row)
        assert table.location(image) == segment.location(row) == f"{image}.png"
        owner = table.product_id(int(table.product[image]))
        assert owner == segment.product_id(int(segment.image_product[row]))
        position = table.position(image)
        np.testing.assert_array_equal(
            table.vectors(np.array([image]))[0], random_index.image_vector(owner, position)
        )
        assert random_index.get(owner).images[position].location == f"{image}.png"


def test_images_of_deleted_products_have_no_number(random_index: Index) -> None:
    first, second = random_index.segments
    record = replace(first.record, deleted="0-1", deleted_products=2)
    fewer = first.in_generation(record, {}, None)
    table = ImageTable(Index(random_index.manifest, (fewer, second)))
    gone = len(first.image_rows(0)) + len(first.image_rows(1))
    assert len(table) == 800 - gone
    assert table.locate(0) == (fewer, gone)
    assert table.product_id(0) == first.product_id(2)
    assert (table.product[0], table.product.max()) == (0, table.products - 1)


def webp(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", lossless=True)
    return out.getvalue()


def test_a_scan_measures_every_thumbnail(tmp_path: Path) -> None:
    halves = Image.new("RGB", (64, 32), (10, 20, 30))
    halves.paste((210, 20, 30), (32, 0, 64, 32))
    speck = Image.new("RGB", (64, 32), (10, 20, 30))
    speck.putpixel((5, 5), (255, 255, 255))
    thumbnails = [webp(halves), b"", webp(speck)]
    products = [
        NewProduct(
            str(number),
            {},
            [NewImage(bytes(32), "", np.array([1, 0, 0], np.float16), thumbnail)],
            bytes(16),
        )
        for number, thumbnail in enumerate(thumbnails)
    ]
    layout = Layout(tmp_path)
    record = write_segment(layout.segment("a"), products, {}, 3)
    publish(layout, Manifest(1, "", EncoderRecord("fake", "f", 3), (record,), 3, 3, {}, ""))
    steps = []
    scan = scan_images(ImageTable(Index.open(tmp_path)), lambda *step: steps.append(step))
    assert scan.size.tolist() == [[64, 32], [0, 0], [64, 32]]
    assert scan.seen.tolist() == [True, False, True]
    assert scan.spread.tolist() == [200, 0, 0]  # a speck is no spread
    grey = np.asarray(halves.convert("L"))
    assert scan.grey.shape == (3, SCAN_SIDE, SCAN_SIDE)
    assert (scan.grey[0, :, :8] == grey[0, 0]).all()
    assert (scan.grey[0, :, 8:] == grey[0, -1]).all()
    assert not scan.grey[1].any()
    assert steps == [("Looking at the pictures", 3, 3)]


def test_a_thumbnail_is_opened_as_rgb(colour_generations: Index) -> None:
    image = open_thumbnail(colour_generations.thumbnail("green", 0))
    assert (image.mode, image.size) == ("RGB", (32, 32))
    np.testing.assert_allclose(image.getpixel((16, 16)), (0, 255, 0), atol=3)
