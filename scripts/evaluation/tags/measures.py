"""Figures of tags on the held-back tenth."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indexer.quality import GroupMetrics, evaluate_group
from indexer.tagging import Fitted, GroupScores, Tagger, right_labels
from indexer.tagging.taxonomy import Group, Taxonomy
from scripts.evaluation.tags.nonsense import nonsense_images
from scripts.evaluation.tags.setting import Rows, Setting, figure_rows, held_rows
from scripts.support.catalog_vectors import CatalogVectors
from scripts.support.encoding import embed_images
from scripts.support.measuring import Figure, Measure, NotMeasured
from scripts.training.data.catalogs import CLOTHING, FASHION, GENERAL, GROCERY_PHOTOS

__all__ = ["measure_tags", "near_colours", "type_where_answered"]

_SETS = (FASHION, CLOTHING, GROCERY_PHOTOS)
_RETAGGED = 100_000
_LABELS = 300
# Images with a label that a calibration error is measured on, at least.
_LEAST_WITH_TRUTH = 100

# Colours that people call by each other's names, chosen by hand: either counts as right.
_NEAR_COLOURS = (
    ("black", "charcoal"),
    ("grey", "charcoal", "grey melange", "silver", "steel", "metallic"),
    ("white", "off white", "cream"),
    ("cream", "beige", "off white", "nude", "skin"),
    ("beige", "tan", "khaki", "nude", "skin", "mushroom brown", "taupe"),
    ("brown", "coffee brown", "tan", "copper", "bronze", "rust", "mushroom brown", "taupe"),
    ("blue", "navy blue", "turquoise", "teal"),
    ("green", "olive", "sea green", "lime green", "fluorescent green", "teal", "khaki"),
    ("teal", "turquoise", "sea green"),
    ("red", "maroon", "burgundy", "rust"),
    ("maroon", "burgundy"),
    ("pink", "magenta", "rose", "peach", "mauve"),
    ("purple", "lavender", "mauve", "magenta", "burgundy"),
    ("yellow", "mustard", "gold"),
    ("gold", "bronze", "copper", "mustard"),
    ("orange", "peach", "rust", "mustard"),
)


def measure_tags(setting: Setting, fitted: Fitted | None = None) -> list[Figure]:
    """Take all figures.

    Args:
        setting: The catalogs, the model and the taxonomy.
        fitted: The fit to the taxonomy; None for none.
    """
    tagger = Tagger(setting.encoder, setting.taxonomy, fitted=fitted)
    about = {} if fitted is None else fitted.about
    rows = figure_rows if about.get("calibrated_on") == "held-half" else held_rows
    held = setting.examples(rows, _SETS)
    figures: dict[str, GroupMetrics] = {}
    colours: list[Measure] = []
    narrow: list[Measure] = []
    for scored in tagger.scores(held.vectors):
        truth = held.truth[scored.group.name][:, :-1]
        if truth.any():
            figures[scored.group.name] = evaluate_group(scored, truth)
        if scored.group.name == "type":
            narrow = type_where_answered(scored, truth)
        if scored.group.name == "colour":
            colours = _colours(scored, truth)
    kinds = figures["type"]
    return [
        *narrow,
        Measure("type_or_wider_top_1_where_answered", kinds.accuracy),
        Measure("type_or_wider_share_answered", kinds.answered),
        Measure("type_top_1_forced", kinds.forced),
        *_kinds_by_set(setting, tagger, rows),
        *colours,
        *(_calibration(name, found) for name, found in figures.items()),
        *_groups(figures),
        *_nonsense(setting, tagger),
        *_strangers(setting, tagger),
        _retagging(setting),
    ]


def near_colours(group: Group) -> NDArray[np.bool_]:
    """Return `[labels, labels]`: whether a colour's name may stand for another's."""
    near = np.eye(len(group.labels), dtype=np.bool_)
    for first, *others in _NEAR_COLOURS:
        for other in others:
            one, two = group.places[first], group.places[other]
            near[one, two] = near[two, one] = True
    return near


def type_where_answered(scored: GroupScores, truth: NDArray[np.bool_]) -> list[Measure]:
    """Return accuracy and share of answers; a wider label ("footwear") is no answer."""
    known = truth.any(axis=1)
    truth, best = truth[known], scored.best[known]
    wider = np.zeros_like(truth)
    for place in range(len(scored.group.labels)):
        for above in scored.group.lineage(place)[1:]:
            wider[:, above] |= truth[:, place]
    rows = np.arange(len(truth))
    answered = (best >= 0) & ~(wider & ~truth)[rows, best]
    right = right_labels(scored.group, truth)[rows, best] & answered
    return [
        Measure("type_top_1_where_answered", float(right.sum() / answered.sum()), 0.85),
        Measure("type_share_answered", float(answered.mean()), 0.85),
    ]


def _kinds_by_set(setting: Setting, tagger: Tagger, rows: Rows) -> list[Measure]:
    measures = []
    for name in _SETS:
        held = setting.examples(rows, [name])
        (scored,) = [s for s in tagger.scores(held.vectors) if s.group.name == "type"]
        found = evaluate_group(scored, held.truth["type"][:, :-1])
        measures += [
            Measure(f"type_top_1_where_answered_{name}", found.accuracy),
            Measure(f"type_share_answered_{name}", found.answered),
        ]
    return measures


def _colours(scored: GroupScores, truth: NDArray[np.bool_]) -> list[Measure]:
    known = truth.any(axis=1)
    best = scored.probabilities[known].argmax(axis=1)
    true = truth[known].argmax(axis=1)
    near = near_colours(scored.group)
    return [
        Measure("colour_top_1", float((best == true).mean()), 0.65),
        Measure("colour_top_1_or_near", float(near[true, best].mean()), 0.80),
    ]


def _calibration(name: str, found: GroupMetrics) -> Figure:
    if found.pictures < _LEAST_WITH_TRUTH:
        return NotMeasured(f"ece_{name}", f"{found.pictures} labelled images are too few")
    return Measure(f"ece_{name}", found.ece, 0.05, "lower")


def _groups(figures: dict[str, GroupMetrics]) -> list[Figure]:
    measures: list[Figure] = []
    for name, found in figures.items():
        if name == "type":
            continue
        top_1 = f"{name}_top_1_where_answered"
        if np.isnan(found.accuracy):
            measures.append(NotMeasured(top_1, "the group never answers"))
        else:
            measures.append(Measure(top_1, found.accuracy))
        measures.append(Measure(f"{name}_share_answered", found.answered))
    return measures


def _nonsense(setting: Setting, tagger: Tagger) -> list[Measure]:
    """Measure images of nothing, drawn by other code than those that tags are fitted with."""
    vectors = embed_images(setting.encoder, nonsense_images())
    silent = [not tags for tags in tagger.tag(vectors)]
    kinds = [s.best < 0 for s in tagger.scores(vectors) if s.group.name == "type"]
    return [
        Measure("nonsense_abstains", float(np.mean(silent)), 0.95),
        Measure("nonsense_without_type", float(kinds[0].mean())),
    ]


def _strangers(setting: Setting, tagger: Tagger) -> list[Measure]:
    """Measure how many general photos, mostly of animals, vehicles and places, get no type."""
    vectors = CatalogVectors(setting.encoder, setting.data, setting.cache, GENERAL)
    rows = np.arange(len(vectors))[: setting.limit]
    (scored,) = [s for s in tagger.scores(vectors.of(rows)) if s.group.name == "type"]
    return [Measure("general_photos_without_type", float((scored.best < 0).mean()))]


def _retagging(setting: Setting) -> Measure:
    """Measure the seconds to tag 100 thousand vectors by a taxonomy of 300 labels."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(_RETAGGED, setting.encoder.spec.dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cut = Tagger(setting.encoder, _cut(setting.taxonomy, _LABELS))
    start = time.perf_counter()
    cut.tag(vectors)
    return Measure("retag_100k_300_labels_s", time.perf_counter() - start, 5.0, "lower")


def _cut(taxonomy: Taxonomy, labels: int) -> Taxonomy:
    """Return a taxonomy of the first labels, whole groups but for the last."""
    groups = []
    for group in taxonomy.groups:
        if labels <= 0:
            break
        groups.append(replace(group, labels=group.labels[:labels]))
        labels -= len(groups[-1].labels)
    return Taxonomy(taxonomy.name, taxonomy.version, tuple(groups))
