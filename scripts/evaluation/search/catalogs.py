"""The catalogs that confidence is measured on, made of the shared sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scripts.training.data.captions import grocery_name
from scripts.training.data.catalogs import (
    CLOTHING,
    FASHION,
    GROCERY_PHOTOS,
    GROCERY_PRODUCTS,
    read_rows,
)

__all__ = ["catalog_table", "named_photos", "write_catalogs"]


def write_catalogs(data: Path, out: Path) -> None:
    """Write the catalogs that are indexed: held-back products only, which no model has seen."""
    out.mkdir(parents=True, exist_ok=True)
    fashion, held = catalog_table(data, FASHION), read_rows(data, FASHION).held
    pq.write_table(fashion.take(held), out / "fashion.parquet")
    pq.write_table(fashion.take(held[::2]), out / "fashion-half.parquet")
    pq.write_table(catalog_table(data, GROCERY_PRODUCTS), out / "packshots.parquet")
    photos = read_rows(data, GROCERY_PHOTOS).held
    pq.write_table(named_photos(data, photos), out / "photos.parquet")
    clothing = catalog_table(data, CLOTHING).take(read_rows(data, CLOTHING).held)
    pq.write_table(clothing, out / "clothing.parquet")
    for half in (0, 1):
        rows = np.arange(half, len(clothing), 2)
        pq.write_table(clothing.take(rows), out / f"clothing-{half}.parquet")


def named_photos(data: Path, rows: NDArray[np.int64]) -> pa.Table:
    """Some of the grocery photos, with the name and the description of what they show."""
    photos = catalog_table(data, GROCERY_PHOTOS).take(rows)
    products = read_rows(data, GROCERY_PRODUCTS).columns
    described = dict(zip(products["id"], products["description"], strict=True))
    ids = photos["product_id"].to_pylist()
    photos = photos.drop_columns(["product_id"])
    photos = photos.append_column("name", pa.array([grocery_name(i) for i in ids]))
    return photos.append_column("description", pa.array([described[i] for i in ids]))


def catalog_table(data: Path, name: str) -> pa.Table:
    """A whole set."""
    return pa.concat_tables(
        [pq.read_table(path) for path in sorted(data.glob(f"{name}-[0-9]*.parquet"))]
    )
