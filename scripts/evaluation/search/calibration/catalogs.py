"""Catalogs that confidence is measured on, made of the shared sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scripts.evaluation.search.setting import Setting
from scripts.training.data.captions import grocery_name
from scripts.training.data.catalogs import (
    CLOTHING,
    GROCERY_PHOTOS,
    GROCERY_PRODUCTS,
    read_rows,
    read_table,
)

__all__ = ["held_back_catalogs", "training_catalogs"]

# How many times fewer products of the training parts a short run takes.
_QUICK_TIMES_FEWER = 5


def held_back_catalogs(setting: Setting) -> dict[str, pa.Table]:
    """Return catalogs of held-back products only, which no model has seen, by name."""
    data, held = setting.data, setting.rows.held
    clothing = read_table(data, CLOTHING).take(read_rows(data, CLOTHING).held)
    return {
        "fashion": setting.fashion.take(held),
        "fashion-half": setting.fashion.take(held[::2]),
        "packshots": read_table(data, GROCERY_PRODUCTS),
        "photos": _named_photos(data, read_rows(data, GROCERY_PHOTOS).held),
        "clothing": clothing,
        "clothing-0": clothing.take(np.arange(0, len(clothing), 2)),
        "clothing-1": clothing.take(np.arange(1, len(clothing), 2)),
    }


def training_catalogs(setting: Setting) -> dict[str, pa.Table]:
    """Return parts of what the model was trained on, to fit priors with, by name."""
    data, times = setting.data, _QUICK_TIMES_FEWER if setting.quick else 1
    clothing = read_table(data, CLOTHING)
    return {
        "fashion": setting.fashion.take(setting.rows.train[:: 9 * times]),
        "photos": _named_photos(data, read_rows(data, GROCERY_PHOTOS).train[:: 2 * times]),
        "clothing": clothing.take(read_rows(data, CLOTHING).train[:: 2 * times]),
    }


def _named_photos(data: Path, rows: NDArray[np.int64]) -> pa.Table:
    """Return some of the grocery photos, with the name and description of what they show."""
    photos = read_table(data, GROCERY_PHOTOS).take(rows)
    products = read_rows(data, GROCERY_PRODUCTS).columns
    described = dict(zip(products["id"], products["description"], strict=True))
    ids = photos["product_id"].to_pylist()
    photos = photos.drop_columns(["product_id"])
    photos = photos.append_column("name", pa.array([grocery_name(i) for i in ids]))
    return photos.append_column("description", pa.array([described[i] for i in ids]))
