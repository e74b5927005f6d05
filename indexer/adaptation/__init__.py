"""Adaptation: a map that an index learns from its own catalog's pictures and words."""

from __future__ import annotations

from indexer.adaptation.learning import TITLE, Gain, Learned, learn
from indexer.adaptation.lessons import Lessons, group_products, kind_fields, plain
from indexer.adaptation.map import AdaptationMap

__all__ = [
    "TITLE",
    "AdaptationMap",
    "Gain",
    "Learned",
    "Lessons",
    "group_products",
    "kind_fields",
    "learn",
    "plain",
]
