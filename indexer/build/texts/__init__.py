"""Texts of a catalog: learned from, mixed into vectors, read in images, sampled as queries."""

from __future__ import annotations

from indexer.build.texts.adapting import (
    AUTO,
    OFF,
    SAMPLE,
    Adapting,
    adapt_products,
    adaptation_notes,
)
from indexer.build.texts.image_text import TEXT_FIELD, image_text
from indexer.build.texts.query_sample import QuerySample
from indexer.build.texts.relearning import AdaptReport, adapt
from indexer.build.texts.title_mix import (
    DEFAULT_TEXT_WEIGHT,
    MemoryTextVectors,
    TitleMixer,
    mix_titles,
    mix_vectors,
)

__all__ = [
    "AUTO",
    "DEFAULT_TEXT_WEIGHT",
    "OFF",
    "SAMPLE",
    "TEXT_FIELD",
    "AdaptReport",
    "Adapting",
    "MemoryTextVectors",
    "QuerySample",
    "TitleMixer",
    "adapt",
    "adapt_products",
    "adaptation_notes",
    "image_text",
    "mix_titles",
    "mix_vectors",
]
