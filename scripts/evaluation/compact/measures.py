"""What `compact` is measured by, from vectors already computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
from scripts.training.data.drawn import HELD_DRAWINGS, PAIRS, DrawnSet
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
Figures = dict[str, float]

# Chosen on the held-back tenth; docs/compact-model.md has the table.
TYPE_TEMPLATES: tuple[str, ...] = ("{}",)
COLOUR_TEMPLATES: tuple[str, ...] = ("{}",)
GENDER_TEMPLATES: tuple[str, ...] = ("{}",)

# What shoppers type, and the article types that answer it.
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
    """Everything that the figures are computed from.

    Attributes:
        rows: Sets by name.
        pictures: Unit vectors of whole sets by name, `[n, dim]`, and of the drawings.
        drawings: The held-back drawings.
        pairs: The two-colour drawings.
    """

    rows: dict[str, SetRows]
    pictures: dict[str, Floats]
    drawings: DrawnSet
    pairs: DrawnSet


def label_vectors(texts: TextEncoder, labels: Sequence[str], templates: Sequence[str]) -> Floats:
    """One unit vector a label: the mean over the templates."""
    prompts = [template.format(label) for label in labels for template in templates]
    means = texts(prompts).reshape(len(labels), len(templates), -1).mean(axis=1)
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), dtype=np.float32)


def rank_of(scores: Floats, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rank, from 0, of column `wanted[i]` in row i; equal scores of others count against it."""
    own = scores[np.arange(len(scores)), wanted][:, None]
    return np.asarray((scores >= own).sum(axis=1) - 1, dtype=np.int64)


def top_one(pictures: Floats, labels: Floats, truth: NDArray[np.int64]) -> float:
    """Share of pictures whose nearest label is the true one."""
    return float(((pictures @ labels.T).argmax(axis=1) == truth).mean())


def _precision(
    texts: TextEncoder, pictures: Floats, values: Sequence[str], least: int = 10
) -> float:
    """Precision@10 of each value's lower-cased name as a query, averaged over the values.

    Values with fewer than `least` pictures are left out, since they can't fill ten places.
    """
    found = np.array(values)
    names = sorted(name for name in set(values) if (found == name).sum() >= least)
    scores = texts([name.lower() for name in names]) @ pictures.T
    best = np.argsort(-scores, axis=1)[:, :10]
    return float(np.mean([(found[best[i]] == name).mean() for i, name in enumerate(names)]))


def _fashion(vectors: Vectors, texts: TextEncoder) -> Figures:
    rows = vectors.rows[FASHION]
    everything = vectors.pictures[FASHION]
    held = everything[rows.held]
    titles = texts([rows.columns["title"][row] for row in rows.held])
    near = rank_of(titles @ held.T, np.arange(len(held)))
    far = rank_of(titles @ everything.T, rows.held)
    figures = {
        "fashion_title_recall_1": float((near < 1).mean()),
        "fashion_title_recall_10": float((near < 10).mean()),
        "fashion_title_all_recall_1": float((far < 1).mean()),
        "fashion_title_all_recall_10": float((far < 10).mean()),
        "fashion_title_all_mrr": float((1 / (far + 1)).mean()),
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
    figures["shop_words_precision_10"] = float(np.mean(hits))
    return figures


def _grocery(vectors: Vectors, texts: TextEncoder) -> Figures:
    photos, products = vectors.rows[GROCERY_PHOTOS], vectors.rows[GROCERY_PRODUCTS]
    ids = products.columns["id"]
    held = vectors.pictures[GROCERY_PHOTOS][photos.held]
    truth = np.array([ids.index(photos.columns["product_id"][row]) for row in photos.held])
    ranks = rank_of(held @ vectors.pictures[GROCERY_PRODUCTS].T, truth)
    names = texts([grocery_name(i) for i in ids])
    described = texts(products.columns["description"])
    # Of a held-back tenth, few products have ten photos: as many places as photos are looked at.
    precisions = []
    for queries in (names, described):
        order = np.argsort(-(queries @ held.T), axis=1)
        for product in range(len(ids)):
            count = min(10, int((truth == product).sum()))
            if count:
                precisions.append((truth[order[product, :count]] == product).mean())
    return {
        "grocery_photo_packshot_recall_1": float((ranks < 1).mean()),
        "grocery_photo_packshot_recall_5": float((ranks < 5).mean()),
        "grocery_text_photo_precision": float(np.mean(precisions)),
        "grocery_name_top_1": top_one(held, names, truth),
    }


def _clothing(vectors: Vectors, texts: TextEncoder) -> Figures:
    rows = vectors.rows[CLOTHING]
    names = list(CLOTHING_NAMES)
    truth = np.array([names.index(rows.columns["category"][row]) for row in rows.held])
    labels = label_vectors(texts, names, TYPE_TEMPLATES)
    held = vectors.pictures[CLOTHING][rows.held]
    return {"clothing_category": top_one(held, labels, truth)}


def _general(vectors: Vectors, texts: TextEncoder) -> Figures:
    labels = vectors.rows[GENERAL].columns["label"]
    scores = texts(labels) @ vectors.pictures[GENERAL].T
    order = np.argsort(-scores, axis=1)
    found = np.array(labels)
    hits = np.array([found[order[row, :10]] == label for row, label in enumerate(labels)])
    return {
        "general_label_photo_recall_1": float(hits[:, 0].mean()),
        "general_label_photo_recall_10": float(hits.any(axis=1).mean()),
    }


def _drawings(vectors: Vectors, texts: TextEncoder) -> Figures:
    pictures = vectors.pictures[HELD_DRAWINGS]
    ranks = rank_of(texts(vectors.drawings.titles) @ pictures.T, np.arange(len(pictures)))
    right = texts(vectors.pairs.titles)
    # Each pair's two pictures lie side by side, the colours of one being swapped in the other.
    wrong = right.reshape(-1, 2, right.shape[1])[:, ::-1].reshape(right.shape)
    pairs = vectors.pictures[PAIRS]
    told = (pairs * right).sum(axis=1) > (pairs * wrong).sum(axis=1)
    return {
        "drawings_title_recall_10": float((ranks < 10).mean()),
        "drawings_binding": float(told.mean()),
    }


def measure_all(vectors: Vectors, texts: TextEncoder) -> Figures:
    """Every figure by name."""
    return {
        **_fashion(vectors, texts),
        **_grocery(vectors, texts),
        **_clothing(vectors, texts),
        **_general(vectors, texts),
        **_drawings(vectors, texts),
    }
