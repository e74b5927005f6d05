"""Colours of products, measured in their images: dominant colours in CIELAB, and their names."""

from __future__ import annotations

from indexer.colours.dominant import MAX_COLOURS, MeasuredColours, measure_colours, unpack
from indexer.colours.lab import LabArray, ciede2000, lab_of, rgb_of
from indexer.colours.labels import CLASSIFIER_FILE, ColourClassifier, classifier, colour_features
from indexer.colours.matching import (
    MATCHING_FILE,
    ColourMatching,
    colour_matching,
    shade_features,
)
from indexer.colours.names import (
    LOOK_SPREAD,
    MULTICOLOURED,
    NEAR_DISTANCE,
    TABLE_FILE,
    colour_table,
)
from indexer.colours.points import (
    ColourPoint,
    colour_of,
    colour_point,
    hex_of,
    imagined_colour,
    look_names,
    names_many_colours,
)
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
    "LOOK_SPREAD",
    "MATCHING_FILE",
    "MAX_COLOURS",
    "MULTICOLOURED",
    "NEAR_DISTANCE",
    "TABLE_FILE",
    "ColourArray",
    "ColourClassifier",
    "ColourMatching",
    "ColourPoint",
    "LabArray",
    "MeasuredColours",
    "ProductColours",
    "ciede2000",
    "classifier",
    "colour_features",
    "colour_matching",
    "colour_of",
    "colour_point",
    "colour_table",
    "colours_from_bytes",
    "hex_of",
    "imagined_colour",
    "lab_of",
    "look_names",
    "measure_colours",
    "measure_image",
    "measure_thumbnail",
    "names_many_colours",
    "rgb_of",
    "shade_features",
    "unpack",
]
