"""The figures of tags on the held-back tenth."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indexer.quality import GroupFigures, judge_group, right_labels
from indexer.tagging import Fitted, GroupScores, Tagger
from indexer.tagging.taxonomy import Group, Taxonomy
from scripts.evaluation.tags.nonsense import nonsense_photos
from scripts.evaluation.tags.setting import Rows, Setting, figure_rows, held_rows
from scripts.evaluation.tags.vectors import SetVectors
from scripts.support.measuring import Measure
from scripts.training.data.catalogs import CLOTHING, FASHION, GENERAL, GROCERY_PHOTOS

__all__ = ["measure_tags", "near_colours", "type_where_answered"]

_SETS = (FASHION, CLOTHING, GROCERY_PHOTOS)
_RETAGGED = 100_000
_LABELS = 300

# Names that people use for each other, by hand: whoever says one has not missed the other.
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


def measure_tags(setting: Setting, fitted: Fitted | None = None) -> list[Measure]:
    """All figures.

    Args:
        setting: Where things are.
        fitted: What was fitted for the model; by default what ships for it.
    """
    tagger = Tagger(setting.encoder, setting.taxonomy, fitted=fitted)
    told = {} if fitted is None else fitted.about
    rows = figure_rows if told.get("calibrated_on") == "held-half" else held_rows
    held = setting.examples(rows, _SETS)
    figures: dict[str, GroupFigures] = {}
    measures: list[Measure] = []
    narrow: list[Measure] = []
    for scored in tagger.scores(held.vectors):
        truth = held.truth[scored.group.name][:, :-1]
        if truth.any():
            figures[scored.group.name] = judge_group(scored, truth)
        if scored.group.name == "type":
            narrow = type_where_answered(scored, truth)
        if scored.group.name == "colour":
            measures += _colours(scored, truth)
    kinds = figures["type"]
    return [
        *narrow,
        Measure("type_or_wider_top_1_where_answered", kinds.accuracy),
        Measure("type_or_wider_share_answered", kinds.answered),
        Measure("type_top_1_forced", kinds.forced),
        *_kinds_by_set(setting, tagger, rows),
        *measures,
        *(_calibration(name, found) for name, found in figures.items()),
        *_groups(figures),
        *_nonsense(setting, tagger),
        *_strangers(setting, tagger),
        _retagging(setting, tagger),
    ]


def near_colours(group: Group) -> NDArray[np.bool_]:
    """`[labels, labels]`, whether a colour's name may stand for another's."""
    near = np.eye(len(group.labels), dtype=np.bool_)
    for first, *others in _NEAR_COLOURS:
        for other in others:
            one, two = group.places[first], group.places[other]
            near[one, two] = near[two, one] = True
    return near


def type_where_answered(scored: GroupScores, truth: NDArray[np.bool_]) -> list[Measure]:
    """Accuracy and share of answers; a label wider than the truth ("footwear") is no answer."""
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
        found = judge_group(scored, held.truth["type"][:, :-1])
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


def _calibration(name: str, found: GroupFigures) -> Measure:
    if found.pictures < 100:
        return Measure(f"ece_{name}", None, 0.05, "lower", f"{found.pictures} pictures with truth")
    return Measure(f"ece_{name}", found.ece, 0.05, "lower")


def _groups(figures: dict[str, GroupFigures]) -> list[Measure]:
    measures = []
    for name, found in figures.items():
        if name == "type":
            continue
        accuracy = None if np.isnan(found.accuracy) else found.accuracy
        reason = None if accuracy is not None else "it never answers"
        measures += [
            Measure(f"{name}_top_1_where_answered", accuracy, reason=reason),
            Measure(f"{name}_share_answered", found.answered),
        ]
    return measures


def _nonsense(setting: Setting, tagger: Tagger) -> list[Measure]:
    """Pictures of nothing, drawn otherwise than those that were learnt from."""
    encoder = setting.encoder
    pictures = nonsense_photos()
    pixels = [encoder.preprocess(picture) for picture in pictures]
    vectors = np.concatenate(
        [encoder.encode_images(np.stack(pixels[at : at + 32])) for at in range(0, len(pixels), 32)]
    )
    silent = [not tags for tags in tagger.tag(vectors)]
    kinds = [s.best < 0 for s in tagger.scores(vectors) if s.group.name == "type"]
    return [
        Measure("nonsense_abstains", float(np.mean(silent)), 0.95),
        Measure("nonsense_without_type", float(kinds[0].mean())),
    ]


def _strangers(setting: Setting, tagger: Tagger) -> list[Measure]:
    """General photos, of animals, vehicles and places for the most part: how many get a type."""
    vectors = SetVectors(setting.encoder, setting.data, setting.cache, GENERAL)
    rows = np.arange(len(vectors))
    (scored,) = [s for s in tagger.scores(vectors.of(rows)) if s.group.name == "type"]
    return [Measure("general_photos_without_type", float((scored.best < 0).mean()))]


def _retagging(setting: Setting, tagger: Tagger) -> Measure:
    """Seconds for the labels of 100 thousand vectors, of a taxonomy of 300 labels."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(_RETAGGED, setting.encoder.spec.dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cut = Tagger(setting.encoder, _cut(setting.taxonomy, _LABELS))
    start = time.perf_counter()
    cut.tag(vectors)
    return Measure("retag_100k_300_labels_s", time.perf_counter() - start, 5.0, "lower")


def _cut(taxonomy: Taxonomy, labels: int) -> Taxonomy:
    """The first groups, the last of them cut short, that have so many labels."""
    groups = []
    for group in taxonomy.groups:
        if labels <= 0:
            break
        groups.append(replace(group, labels=group.labels[:labels]))
        labels -= len(groups[-1].labels)
    return Taxonomy(taxonomy.name, taxonomy.version, tuple(groups))
