"""Colours of products, measured in their pictures: dominant ones in CIELAB, their names."""

from __future__ import annotations

from indexer.colours.dominant import MOST_COLOURS, MeasuredColours, measure_colours, unpack
from indexer.colours.lab import LabArray, ciede2000, lab_of, rgb_of
from indexer.colours.labels import CLASSIFIER_FILE, ColourClassifier, classifier, colour_features
from indexer.colours.names import MULTICOLOURED, NEAR, TABLE_FILE, colour_of, colour_table
from indexer.colours.product_match import ProductColours
from indexer.colours.stored import COLOURS_SHAPE, ColourArray, colours_of, measured, measured_on

__all__ = [
    "CLASSIFIER_FILE",
    "COLOURS_SHAPE",
    "MOST_COLOURS",
    "MULTICOLOURED",
    "NEAR",
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
    "colours_of",
    "lab_of",
    "measure_colours",
    "measured",
    "measured_on",
    "rgb_of",
    "unpack",
]
