"""Texts of a catalog: titles mixed into the searched vectors, and a sample of text queries."""

from __future__ import annotations

from indexer.build.texts.query_sample import QuerySample
from indexer.build.texts.title_mix import (
    DEFAULT_TEXT_WEIGHT,
    TitleMixer,
    mix_titles,
    mix_vectors,
)

__all__ = ["DEFAULT_TEXT_WEIGHT", "QuerySample", "TitleMixer", "mix_titles", "mix_vectors"]
