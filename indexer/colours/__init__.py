"""Colours of products, measured in their images: dominant colours in CIELAB, and their names."""

from __future__ import annotations

from indexer.colours.dominant import MAX_COLOURS, MeasuredColours, measure_colours, unpack
from indexer.colours.lab import LabArray, ciede2000, lab_of, rgb_of
from indexer.colours.labels import CLASSIFIER_FILE, ColourClassifier, classifier, colour_features
from indexer.colours.names import MULTICOLOURED, NEAR_DISTANCE, TABLE_FILE, colour_of, colour_table
from indexer.colours.product_match import ProductColours
from indexer.colours.stored import (
    COLOURS_SHAPE,
    ColourArray,
    colours_from_bytes,
    measure_image,
    measure_thumbnail,
)

__all__ = [
    "CLASSIFIER_FILE",
    "COLOURS_SHAPE",
    "MAX_COLOURS",
    "MULTICOLOURED",
    "NEAR_DISTANCE",
    "TABLE_FILE",
    "ColourArray",
    "ColourClassifier",
    "LabArray",
    "MeasuredColours",
    "ProductColours",
    "ciede2000",
    "classifier",
    "colour_features",
    "colour_of",
    "colour_table",
    "colours_from_bytes",
    "lab_of",
    "measure_colours",
    "measure_image",
    "measure_thumbnail",
    "rgb_of",
    "unpack",
]
