"""Colours of products, measured in their pictures: dominant ones in CIELAB, their names."""

from indexer.colours.lab import ciede2000, lab_of, rgb_of
from indexer.colours.measured import MOST_COLOURS, MeasuredColours, measure_colours, unpack

__all__ = [
    "MOST_COLOURS",
    "MeasuredColours",
    "ciede2000",
    "lab_of",
    "measure_colours",
    "rgb_of",
    "unpack",
]
