"""Colours of products, measured in their pictures: dominant ones in CIELAB, their names."""

from indexer.colours.dominant import MOST_COLOURS, MeasuredColours, measure_colours, unpack
from indexer.colours.lab import ciede2000, lab_of, rgb_of

__all__ = [
    "MOST_COLOURS",
    "MeasuredColours",
    "ciede2000",
    "lab_of",
    "measure_colours",
    "rgb_of",
    "unpack",
]
