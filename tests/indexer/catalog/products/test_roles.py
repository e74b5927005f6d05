"""Columns of ids and images, found by name or content, and cells of several images."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.catalog import CatalogRow, open_catalog
from indexer.catalog.products.image_cells import images_of
from indexer.catalog.products.roles import find_roles
from indexer.catalog.rows import CatalogOptions
from indexer.catalog.tables import open_table
from indexer.errors import CatalogError


def roles(path: Path, text: str) -> tuple[str, tuple[str, ...]]:
    path.write_text(text)
    table = open_table(path)
    assert table is not None
    found = find_roles(table, CatalogOptions())
    return found.id, found.images


@pytest.mark.parametrize(
    ("header", "product_id", "images"),
    [
        ("ID,Image", "ID", ("Image",)),
        ("sku,title,img", "sku", ("img",)),
        ("product_id,image_link,image", "product_id", ("image",)),
        ("title,Product ID,Picture URL", "Product ID", ("Picture URL",)),
        ("imageUrl,productId", "productId", ("imageUrl",)),
        ("Artikelnummer,Bild,Größe", "Artikelnummer", ("Bild",)),
        ("Référence,Image principale", "Référence", ("Image principale",)),
        ("Código,Imagen,Precio", "Código", ("Imagen",)),
        ("id,sku,image_2,image_1,image", "id", ("image", "image_1", "image_2")),
        ("id,image_link,additional_image_link", "id", ("image_link", "additional_image_link")),
        ("id,Image 1 URL,Image 2 URL", "id", ("Image 1 URL", "Image 2 URL")),
        ("id,Bild1,Bild2", "id", ("Bild1", "Bild2")),
    ],
)
def test_columns_are_found_by_name(
    tmp_path: Path, header: str, product_id: str, images: tuple[str, ...]
) -> None:
    cells = ",".join("x" for _ in header.split(","))
    assert roles(tmp_path / "c.csv", f"{header}\n{cells}\n") == (product_id, images)


def test_columns_are_found_by_what_they_hold(tmp_path: Path) -> None:
    text = "a,b,c\n" + "".join(f"X-{at},{at}.jpg,some words {at % 2}\n" for at in range(5))
    assert roles(tmp_path / "c.csv", text) == ("a", ("b",))


def test_candidates_are_named_where_several_could_be_meant(tmp_path: Path) -> None:
    text = "a,b,image\n" + "".join(f"X-{at},Y-{at},{at}.jpg\n" for at in range(5))
    with pytest.raises(CatalogError, match="'a', 'b'; name the right one with --id-column"):
        roles(tmp_path / "c.csv", text)


@pytest.mark.parametrize(
    ("cell", "images"),
    [
        ("a.jpg|b.jpg", ["a.jpg", "b.jpg"]),
        ("a.jpg, b.JPG ,", ["a.jpg", "b.JPG"]),
        ("a.jpg;b.png", ["a.jpg", "b.png"]),
        ('["a.jpg", "b.jpg"]', ["a.jpg", "b.jpg"]),
        ("https://x/a.jpg https://x/b.jpg", ["https://x/a.jpg", "https://x/b.jpg"]),
        ("https://x/a?w=1,h=2,https://x/b", ["https://x/a?w=1,h=2", "https://x/b"]),
        ("https://x/a?w=1,h=2", ["https://x/a?w=1,h=2"]),
        ("red, blue.jpg", ["red, blue.jpg"]),
        ("my shoe.jpg", ["my shoe.jpg"]),
        ("", []),
    ],
)
def test_cells_of_several_images(cell: str, images: list[str]) -> None:
    assert images_of(cell) == images


def test_images_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "c.csv").write_text("SKU,Image 2,Image 1\n1,b.jpg|c.jpg,a.jpg\n2,,c.jpg\n")
    rows = list(open_catalog(tmp_path / "c.csv").rows())
    assert [
        [image.location for image in row.images] for row in rows if isinstance(row, CatalogRow)
    ] == [
        ["a.jpg", "b.jpg", "c.jpg"],
        ["c.jpg"],
    ]
