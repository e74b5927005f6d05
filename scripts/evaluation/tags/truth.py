"""Labels that the shared catalogs give their images, as marks on the labels of `retail`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
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
# By group: the labels of a row.
Labels = dict[str, Callable[[int], Sequence[object]]]
NONE = object()

# Categories of the clothing photos as labels of `retail`; "pants" are of many kinds.
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
# Categories of the fashion catalog that are photographed without a person.
_PACKSHOTS = ("Footwear", "Accessories", "Personal Care", "Sporting Goods", "Home", "Free Items")


def marks_of(data: Path, name: str, taxonomy: Taxonomy) -> dict[str, Marks]:
    """Return marks `[n, labels + 1]` of a set's rows by group, as a fit takes them.

    Groups of which a set says nothing are left out.
    """
    rows = read_rows(data, name)
    grocery = dict(zip(*_coarse(data), strict=True))
    labels = _LABELS[name](rows, grocery)
    return {
        group: _marks(taxonomy.group(group), (words_of(row) for row in range(len(rows))), len(rows))
        for group, words_of in labels.items()
    }


def _marks(group: Group, labels: Iterable[Sequence[object]], count: int) -> Marks:
    marks = np.zeros((count, len(group.labels) + 1), np.bool_)
    for row, words in enumerate(labels):
        for word in words:
            place = -1 if word is NONE else group.places.get(str(word).casefold())
            if place is not None:
                marks[row, place] = True
    return marks


def _fashion(rows: SetRows, _: dict[str, str]) -> Labels:
    columns = rows.columns

    def column(name: str) -> Callable[[int], Sequence[object]]:
        return lambda row: [columns[name][row]] if columns[name][row] not in ("", "NA") else []

    def pattern(row: int) -> Sequence[object]:
        if columns["master_category"][row] in ("Personal Care", "Sporting Goods"):
            return [NONE]
        found = _labels_in(columns["title"][row], _PATTERNS)
        return found if len(found) == 1 else []

    def material(row: int) -> Sequence[object]:
        return _labels_in(columns["title"][row], _MATERIALS) or [NONE]

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
        "moderation": lambda _: ["safe"],
    }


def _clothing(rows: SetRows, _: dict[str, str]) -> Labels:
    return {
        "type": lambda row: _CLOTHING[rows.columns["category"][row]],
        "scene": lambda _: ["flat lay", "worn", "room"],
        "moderation": lambda _: ["safe"],
    }


def _photos(rows: SetRows, coarse: dict[str, str]) -> Labels:
    return {
        "type": lambda row: [coarse[rows.columns["product_id"][row]]],
        "scene": lambda _: ["shop", "in the hand", "food"],
        "moderation": lambda _: ["safe"],
    }


def _products(rows: SetRows, coarse: dict[str, str]) -> Labels:
    return {
        "type": lambda row: [coarse[rows.columns["id"][row]]],
        "scene": lambda _: ["packshot"],
        "moderation": lambda _: ["safe"],
    }


_LABELS: Mapping[str, Callable[[SetRows, dict[str, str]], Labels]] = {
    FASHION: _fashion,
    CLOTHING: _clothing,
    GROCERY_PHOTOS: _photos,
    GROCERY_PRODUCTS: _products,
}


def _coarse(data: Path) -> tuple[list[str], list[str]]:
    """Return ids of the grocery products, and the kind of each in words."""
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


def _labels_in(title: str, words: dict[str, tuple[str, ...]]) -> list[str]:
    """Return the labels whose words are in a title."""
    found = set(re.findall(r"[a-z]+", title.lower()))
    return [label for label, spelt in words.items() if found & set(spelt)]
