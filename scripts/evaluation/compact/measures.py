"""Measures of `compact`, from vectors that are computed already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.training.data.captions import grocery_name
from scripts.training.data.catalogs import (
    CLOTHING,
    FASHION,
    GENERAL,
    GROCERY_PHOTOS,
    GROCERY_PRODUCTS,
    SetRows,
)
from scripts.training.data.drawn import DrawnSet
from scripts.training.data.vocabulary import CLOTHING_NAMES

__all__ = [
    "COLOUR_TEMPLATES",
    "GENDER_TEMPLATES",
    "TYPE_TEMPLATES",
    "Figures",
    "Vectors",
    "label_vectors",
    "measure_all",
    "rank_of",
    "top_one",
]

Floats = NDArray[np.float32]
TextEncoder = Callable[[Sequence[str]], Floats]
# By name: the values of single queries or images, whose mean is the figure.
Figures = dict[str, Sequence[float] | NDArray[Any]]

# Chosen on the held-back tenth; docs/compact-model.md has the table.
TYPE_TEMPLATES: tuple[str, ...] = ("{}",)
COLOUR_TEMPLATES: tuple[str, ...] = ("{}",)
GENDER_TEMPLATES: tuple[str, ...] = ("{}",)

# Words that shoppers type, and the article types that answer them.
SHOP_WORDS: dict[str, tuple[str, ...]] = {
    "sneakers": ("Casual Shoes", "Sports Shoes"),
    "trainers": ("Casual Shoes", "Sports Shoes"),
    "running shoes": ("Sports Shoes", "Casual Shoes"),
    "rucksack": ("Backpacks", "Rucksacks"),
    "gown": ("Dresses", "Nightdress"),
    "fragrance": ("Perfume and Body Mist", "Deodorant", "Fragrance Gift Set"),
    "flip-flops": ("Flip Flops",),
    "purse": ("Handbags", "Clutches", "Wallets"),
    "jumper": ("Sweaters", "Sweatshirts"),
    "tee": ("Tshirts",),
    "shades": ("Sunglasses",),
    "wristwatch": ("Watches",),
    "necktie": ("Ties",),
    "a photo of a dress": ("Dresses",),
    "saris": ("Sarees",),
    "denim": ("Jeans", "Jackets", "Skirts", "Shorts", "Capris", "Jeggings", "Shirts"),
}


@dataclass(frozen=True)
class Vectors:
    """Everything that the figures are computed from; vectors are unit rows `[n, dim]`.

    Attributes:
        rows: Sets by name.
        held: Vectors of each set's held-back rows, by name.
        fashion: Vectors of the whole fashion set; None where only the held-back rows are known.
        packshots: Vectors of the grocery products.
        drawings: The held-back drawings.
        drawn: Their vectors.
        pairs: The two-colour drawings.
        drawn_pairs: Their vectors.
    """

    rows: dict[str, SetRows]
    held: dict[str, Floats]
    fashion: Floats | None
    packshots: Floats
    drawings: DrawnSet
    drawn: Floats
    pairs: DrawnSet
    drawn_pairs: Floats


def label_vectors(texts: TextEncoder, labels: Sequence[str], templates: Sequence[str]) -> Floats:
    """Return one unit vector a label: the mean over the templates."""
    prompts = [template.format(label) for label in labels for template in templates]
    means = texts(prompts).reshape(len(labels), len(templates), -1).mean(axis=1)
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)


def rank_of(scores: Floats, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rank, from 0, of column `wanted[i]` in row i; ties count against it."""
    own = scores[np.arange(len(scores)), wanted][:, None]
    return np.asarray((scores >= own).sum(axis=1) - 1, dtype=np.int64)


def top_one(images: Floats, labels: Floats, truth: NDArray[np.int64]) -> Floats:
    """Return 1 for each image whose nearest label is the true one, else 0."""
    return np.asarray((images @ labels.T).argmax(axis=1) == truth, np.float32)


def _precision(
    texts: TextEncoder, images: Floats, values: Sequence[str], least: int = 10
) -> Floats:
    """Return precision@10 of each value's lower-cased name as a query.

    Values with fewer than `least` images are left out, since they can't fill ten places.
    """
    found = np.array(values)
    names = sorted(name for name in set(values) if (found == name).sum() >= least)
    scores = texts([name.lower() for name in names]) @ images.T
    best = np.argsort(-scores, axis=1)[:, :10]
    return np.array([(found[best[i]] == name).mean() for i, name in enumerate(names)], np.float32)


def _fashion(vectors: Vectors, texts: TextEncoder) -> Figures:
    rows, held = vectors.rows[FASHION], vectors.held[FASHION]
    titles = texts([rows.columns["title"][row] for row in rows.held])
    near = rank_of(titles @ held.T, np.arange(len(held)))
    figures: Figures = {
        "fashion_title_recall_1": near < 1,
        "fashion_title_recall_10": near < 10,
    }
    if vectors.fashion is not None:
        far = rank_of(titles @ vectors.fashion.T, rows.held)
        figures |= {
            "fashion_title_all_recall_1": far < 1,
            "fashion_title_all_recall_10": far < 10,
            "fashion_title_all_mrr": 1 / (far + 1),
        }
    kinds = (
        ("article_type", TYPE_TEMPLATES),
        ("base_colour", COLOUR_TEMPLATES),
        ("gender", GENDER_TEMPLATES),
    )
    for column, templates in kinds:
        values = [rows.columns[column][row] for row in rows.held]
        names = sorted({v for v in rows.columns[column] if v and v != "NA"})
        known = np.array([value in names for value in values])
        truth = np.array([names.index(v) for v in values if v in names])
        labels = label_vectors(texts, [name.lower() for name in names], templates)
        figures[f"zero_shot_{column}"] = top_one(held[known], labels, truth)
        if column != "gender":
            figures[f"{column}_query_precision_10"] = _precision(texts, held, values)
    types = np.array([rows.columns["article_type"][row] for row in rows.held])
    best = np.argsort(-(texts(list(SHOP_WORDS)) @ held.T), axis=1)[:, :10]
    hits = [np.isin(types[best[i]], SHOP_WORDS[word]).mean() for i, word in enumerate(SHOP_WORDS)]
    figures["shop_words_precision_10"] = hits
    return figures


def _grocery(vectors: Vectors, texts: TextEncoder) -> Figures:
    photos, products = vectors.rows[GROCERY_PHOTOS], vectors.rows[GROCERY_PRODUCTS]
    ids = products.columns["id"]
    held = vectors.held[GROCERY_PHOTOS]
    truth = np.array([ids.index(photos.columns["product_id"][row]) for row in photos.held])
    ranks = rank_of(held @ vectors.packshots.T, truth)
    names = texts([grocery_name(i) for i in ids])
    described = texts(products.columns["description"])
    # Few products have ten photos in a held-back tenth: precision is at the number of photos.
    precisions = []
    for queries in (names, described):
        order = np.argsort(-(queries @ held.T), axis=1)
        for product in range(len(ids)):
            count = min(10, int((truth == product).sum()))
            if count:
                precisions.append((truth[order[product, :count]] == product).mean())
    return {
        "grocery_photo_packshot_recall_1": ranks < 1,
        "grocery_photo_packshot_recall_5": ranks < 5,
        "grocery_text_photo_precision": precisions,
        "grocery_name_top_1": top_one(held, names, truth),
    }


def _clothing(vectors: Vectors, texts: TextEncoder) -> Figures:
    rows = vectors.rows[CLOTHING]
    names = list(CLOTHING_NAMES)
    truth = np.array([names.index(rows.columns["category"][row]) for row in rows.held])
    labels = label_vectors(texts, names, TYPE_TEMPLATES)
    held = vectors.held[CLOTHING]
    return {"clothing_category": top_one(held, labels, truth)}


def _general(vectors: Vectors, texts: TextEncoder) -> Figures:
    labels = vectors.rows[GENERAL].columns["label"]
    scores = texts(labels) @ vectors.held[GENERAL].T
    order = np.argsort(-scores, axis=1)
    found = np.array(labels)
    hits = np.array([found[order[row, :10]] == label for row, label in enumerate(labels)])
    return {
        "general_label_photo_recall_1": hits[:, 0],
        "general_label_photo_recall_10": np.asarray(hits.any(axis=1)),
    }


def _drawings(vectors: Vectors, texts: TextEncoder) -> Figures:
    drawn = vectors.drawn
    ranks = rank_of(texts(vectors.drawings.titles) @ drawn.T, np.arange(len(drawn)))
    right = texts(vectors.pairs.titles)
    # The two images of a pair follow each other; each has the other's colours swapped.
    wrong = right.reshape(-1, 2, right.shape[1])[:, ::-1].reshape(right.shape)
    pairs = vectors.drawn_pairs
    apart = (pairs * right).sum(axis=1) > (pairs * wrong).sum(axis=1)
    return {
        "drawings_title_recall_10": ranks < 10,
        "drawings_binding": apart,
    }


def measure_all(vectors: Vectors, texts: TextEncoder) -> Figures:
    """Return for every figure, by name, its value for each query or image."""
    return {
        **_fashion(vectors, texts),
        **_grocery(vectors, texts),
        **_clothing(vectors, texts),
        **_general(vectors, texts),
        **_drawings(vectors, texts),
    }
