"""What the shared catalogs say of their pictures, as marks on the labels of `retail`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.tagging.taxonomy import Group, Taxonomy
from scripts.training.data.catalogs import (
    CLOTHING,
    FASHION,
    GROCERY_PHOTOS,
    GROCERY_PRODUCTS,
    SetRows,
    read_rows,
)

__all__ = ["SETS", "marks_of"]

SETS = (FASHION, CLOTHING, GROCERY_PHOTOS, GROCERY_PRODUCTS)

Marks = NDArray[np.bool_]
NONE = object()

# What the clothing photos call their things, as labels of `retail`; "pants" are of many kinds.
_CLOTHING = {
    "t-shirt": ("t-shirt",),
    "longsleeve": ("long-sleeved top", "sweater", "sweatshirt"),
    "shirt": ("shirt",),
    "pants": ("trousers", "jeans", "track pants", "leggings", "capri trousers", "jeggings"),
    "dress": ("dress",),
    "shorts": ("shorts",),
    "shoes": ("footwear",),
    "outwear": ("outerwear", "sweatshirt"),
    "hat": ("hat", "cap"),
    "skirt": ("skirt",),
}
# Of the fashion catalog, what is photographed without a person, and what may be either.
_PACKSHOTS = ("Footwear", "Accessories", "Personal Care", "Sporting Goods", "Home", "Free Items")


def marks_of(data: Path, name: str, taxonomy: Taxonomy) -> dict[str, Marks]:
    """By group, `[n, labels + 1]` marks of a set's rows, as `indexer.tagging.fitting` takes them.

    Groups of which a set tells nothing are left out.
    """
    rows = read_rows(data, name)
    grocery = dict(zip(*_coarse(data), strict=True))
    told: dict[str, Callable[[int], Sequence[object]]] = _TOLD[name](rows, grocery)
    return {
        group: _marks(taxonomy.group(group), (tell(row) for row in range(len(rows))), len(rows))
        for group, tell in told.items()
    }


def _marks(group: Group, told: Iterable[Sequence[object]], count: int) -> Marks:
    marks = np.zeros((count, len(group.labels) + 1), np.bool_)
    for row, words in enumerate(told):
        for word in words:
            place = -1 if word is NONE else group.places.get(str(word).casefold())
            if place is not None:
                marks[row, place] = True
    return marks


def _fashion(rows: SetRows, _: dict[str, str]) -> dict[str, Callable[[int], Sequence[object]]]:
    columns = rows.columns

    def column(name: str) -> Callable[[int], Sequence[object]]:
        return lambda row: [columns[name][row]] if columns[name][row] not in ("", "NA") else []

    def pattern(row: int) -> Sequence[object]:
        if columns["master_category"][row] in ("Personal Care", "Sporting Goods"):
            return [NONE]
        found = _said(columns["title"][row], _PATTERNS)
        return found if len(found) == 1 else []

    def material(row: int) -> Sequence[object]:
        return _said(columns["title"][row], _MATERIALS) or [NONE]

    def scene(row: int) -> Sequence[object]:
        alone = columns["master_category"][row] in _PACKSHOTS
        return ["packshot"] if alone else ["packshot", "worn"]

    return {
        "type": column("article_type"),
        "colour": column("base_colour"),
        "style": column("usage"),
        "season": column("season"),
        "audience": column("gender"),
        "pattern": pattern,
        "material": material,
        "scene": scene,
        "moderation": lambda row: ["safe"],
    }


def _clothing(rows: SetRows, _: dict[str, str]) -> dict[str, Callable[[int], Sequence[object]]]:
    return {
        "type": lambda row: _CLOTHING[rows.columns["category"][row]],
        "scene": lambda row: ["flat lay", "worn", "room"],
        "moderation": lambda row: ["safe"],
    }


def _photos(rows: SetRows, coarse: dict[str, str]) -> dict[str, Callable[[int], Sequence[object]]]:
    return {
        "type": lambda row: [coarse[rows.columns["product_id"][row]]],
        "scene": lambda row: ["shop", "in the hand", "food"],
        "moderation": lambda row: ["safe"],
    }


def _products(
    rows: SetRows, coarse: dict[str, str]
) -> dict[str, Callable[[int], Sequence[object]]]:
    return {
        "type": lambda row: [coarse[rows.columns["id"][row]]],
        "scene": lambda row: ["packshot"],
        "moderation": lambda row: ["safe"],
    }


_TOLD = {
    FASHION: _fashion,
    CLOTHING: _clothing,
    GROCERY_PHOTOS: _photos,
    GROCERY_PRODUCTS: _products,
}


def _coarse(data: Path) -> tuple[list[str], list[str]]:
    """Ids of the grocery products, and the kind of each in words."""
    columns = read_rows(data, GROCERY_PRODUCTS).columns
    return columns["id"], [kind.replace("-", " ").lower() for kind in columns["coarse"]]


_PATTERNS = {
    "plain": ("solid", "plain"),
    "striped": ("striped", "stripes", "stripe"),
    "checked": ("checked", "check", "checks", "plaid", "tartan"),
    "floral": ("floral", "flower", "flowers"),
    "polka dots": ("polka", "dotted"),
    "graphic print": ("printed", "graphic", "print"),
    "camouflage": ("camouflage", "camo"),
    "embroidered": ("embroidered", "embroidery"),
    "tie-dye": ("washed",),
}
_MATERIALS = {
    "cotton": ("cotton",),
    "denim": ("denim", "jeans"),
    "leather": ("leather",),
    "suede": ("suede",),
    "wool": ("wool", "woollen", "woolen"),
    "knit": ("knit", "knitted"),
    "silk": ("silk",),
    "satin": ("satin",),
    "lace": ("lace",),
    "linen": ("linen",),
    "chiffon": ("chiffon", "georgette"),
    "canvas": ("canvas",),
    "metal": ("steel", "metal"),
}


def _said(title: str, words: dict[str, tuple[str, ...]]) -> list[str]:
    """The labels whose words stand in a title."""
    found = set(re.findall(r"[a-z]+", title.lower()))
    return [label for label, spelt in words.items() if found & set(spelt)]
