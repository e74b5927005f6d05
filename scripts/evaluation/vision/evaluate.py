"""Measure what is found inside pictures: items, text, faces, what is unfit to show, anomalies.

Moderation is measured on held-back products of the fashion catalog, text on the packshots of the
grocery catalog, faces on photos of people, items on composed scenes of held-back products, and
anomalies on defects that are drawn on packshots.
"""

from __future__ import annotations

import argparse
import io
import re
import time
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from embeddings import FloatArray
from embeddings.vision import (
    UNSAFE_SCORE,
    UNSAFE_SKIN_SCORE,
    cover_faces,
    faceless_thumbnail,
    find_faces,
    find_items,
    patch_features,
    read_text,
    shows_skin,
    unsafe_score,
)
from indexer.anomaly import fit_anomaly
from scripts.docs.figures import Block, Listing
from scripts.evaluation.vision.images import compose, damaged, read_images, relit
from scripts.support.measuring import Figure, Measure, NotMeasured, Report
from scripts.training.data.catalogs import (
    CLOTHING,
    FASHION,
    GENERAL,
    GROCERY_PRODUCTS,
    read_rows,
)

__all__ = ["add_options", "area_under_curve", "blocks", "measure"]

# Images of each measure.
_LIMIT, _QUICK_LIMIT = 400, 40
# Pictures of the fashion catalog that show nobody.
_NOBODY = ("Shoes", "Bags", "Watches", "Belts", "Wallets", "Fragrance", "Eyewear")
_PRODUCTS_OF_SCENE = 8
_SAME_BOX = 0.5
# Good samples of an anomaly model, and judged samples of each kind.
_GOOD, _JUDGED = 20, 20
_LEAST_WORD = 3
# What the page shows.
_SHOWN = (
    "items_recall_iou50_15_boxes",
    "text_packshots_with_word_of_name",
    "faces_found_again_after_blur",
    "faces_false_boxes_without_people",
    "moderation_ordinary_held_back",
    "moderation_on_skin_held_back",
    "anomaly_image_auroc",
    "anomaly_pixel_auroc",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument("--limit", type=int, help="images of each measure at most")


def blocks(_: argparse.Namespace) -> list[Block]:
    """Return the figures of docs/vision.md; those of speed depend on the machine."""
    rows = {name: name.replace("_", " ") for name in _SHOWN}
    return [Block("docs/vision.md", "scripts/bench vision --docs", [Listing(rows)])]


def measure(options: argparse.Namespace) -> Report:
    """Measure each kind of finding."""
    limit = options.limit or (_QUICK_LIMIT if options.quick else _LIMIT)
    figures = [
        *_items(options, limit),
        *_text(options, limit),
        *_faces(options, limit),
        *_moderation(options, limit),
        *_anomalies(options, limit),
        NotMeasured(
            "item_product_top10_share_of_true_boxes", "judged on scenes that are kept aside"
        ),
        NotMeasured("scene_found_by_item_top10", "builds embed no items of scenes"),
    ]
    return Report.of(figures, limit=limit)


def area_under_curve(
    high: Sequence[float] | FloatArray, low: Sequence[float] | FloatArray
) -> float:
    """Return the share of pairs in which the first is higher, ties counted half (AUROC)."""
    above = np.asarray(high)[:, np.newaxis]
    return float(np.mean(above > np.asarray(low)) + np.mean(above == np.asarray(low)) / 2)


def _items(options: argparse.Namespace, limit: int) -> Iterator[Figure]:
    random = np.random.default_rng(1)
    held = random.permutation(read_rows(options.data, FASHION).held)
    backgrounds = [image for _, image in read_images(options.data, GENERAL, range(0, 500, 25))]
    count = max(5, limit // 8)
    found = []
    for number in range(count):
        rows = held[number * _PRODUCTS_OF_SCENE : (number + 1) * _PRODUCTS_OF_SCENE]
        products = [image for _, image in read_images(options.data, FASHION, rows)]
        scene, true = compose(backgrounds[number % len(backgrounds)], products, random)
        boxes = [item.box for item in find_items(scene)]
        found += [float(any(_overlap(box, one) >= _SAME_BOX for one in boxes)) for box in true]
    yield Measure.mean("items_recall_iou50_15_boxes", found, 0.80)


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def _text(options: argparse.Namespace, limit: int) -> Iterator[Figure]:
    packages, seconds = [], []
    rows = read_rows(options.data, GROCERY_PRODUCTS)
    packed = [n for n, section in enumerate(rows.columns["section"]) if section == "Packages"]
    for values, image in read_images(options.data, GROCERY_PRODUCTS, packed[:limit]):
        started = time.perf_counter()
        read = " ".join(line.text for line in read_text(image)).casefold()
        seconds.append(time.perf_counter() - started)
        name = re.findall(r"\w+", str(values["id"]).replace("-", " ").casefold())
        packages.append(float(any(len(word) >= _LEAST_WORD and word in read for word in name)))
    if not packages:
        yield NotMeasured("text_packshots_with_word_of_name", "no packaged products")
        return
    yield Measure.mean("text_packshots_with_word_of_name", packages, 0.75)
    yield Measure("text_pictures_a_second_one_processor", 1 / float(np.median(seconds)))


def _faces(options: argparse.Namespace, limit: int) -> Iterator[Figure]:
    random = np.random.default_rng(2)
    again = shown = 0
    for name, count in ((GENERAL, 500), (CLOTHING, limit)):
        total = len(read_rows(options.data, name))
        rows = random.permutation(total)[: min(count, limit, total)]
        for _, image in read_images(options.data, name, rows):
            covered, faces = cover_faces(image)
            if not faces:
                continue
            shown += 1
            stored = faceless_thumbnail(covered, 320)
            with Image.open(io.BytesIO(stored)) as thumbnail:
                again += len(find_faces(thumbnail.convert("RGB")))
    yield Measure("faces_found_again_after_blur", again, 0, "lower", note=f"{shown} pictures")
    fashion = read_rows(options.data, FASHION)
    nobody = [n for n in fashion.held if fashion.columns["sub_category"][n] in _NOBODY]
    rows = random.permutation(nobody)[:limit]
    boxes = [
        float(bool(find_faces(image))) for _, image in read_images(options.data, FASHION, rows)
    ]
    yield _lower(Measure.mean("faces_false_boxes_without_people", boxes, 0.01))


def _moderation(options: argparse.Namespace, limit: int) -> Iterator[Figure]:
    rows = read_rows(options.data, FASHION)
    names = ("title", "sub_category", "article_type")
    skin = {n for n in rows.held if shows_skin(rows.columns[name][n] for name in names)}
    random = np.random.default_rng(3)
    for kind, wanted, threshold in (
        ("ordinary", [n for n in rows.held if n not in skin], UNSAFE_SCORE),
        ("on_skin", sorted(skin), UNSAFE_SKIN_SCORE),
    ):
        chosen = random.permutation(wanted)[:limit]
        held = [
            float(unsafe_score(image) >= threshold)
            for _, image in read_images(options.data, FASHION, chosen)
        ]
        yield _lower(Measure.mean(f"moderation_{kind}_held_back", held, 0.002))


def _anomalies(options: argparse.Namespace, limit: int) -> Iterator[Figure]:
    random = np.random.default_rng(4)
    products = range(40, 80, 8 if limit == _LIMIT else 20)
    images, pixels = [], []
    for _, image in read_images(options.data, GROCERY_PRODUCTS, list(products)):
        model = fit_anomaly([patch_features(relit(image, random)) for _ in range(_GOOD)])
        fine = [model.score(patch_features(relit(image, random))).score for _ in range(_JUDGED)]
        broken, here, elsewhere = [], [], []
        for _ in range(_JUDGED):
            bad, mask = damaged(relit(image, random), random)
            judged = model.score(patch_features(bad))
            broken.append(judged.score)
            size = judged.distances.shape[::-1]
            share = np.asarray(
                Image.fromarray((mask * 255).astype(np.uint8)).resize(size, Image.Resampling.BOX)
            )
            here += judged.distances[share > 127].tolist()
            elsewhere += judged.distances[share == 0].tolist()
        images.append(area_under_curve(broken, fine))
        pixels.append(area_under_curve(here, random.choice(elsewhere, 4000)))
    yield Measure("anomaly_image_auroc", float(np.mean(images)), 0.95)
    yield Measure("anomaly_pixel_auroc", float(np.mean(pixels)), 0.90)


def _lower(measure: Measure) -> Measure:
    return Measure(measure.name, measure.value, measure.target, "lower", measure.interval)
