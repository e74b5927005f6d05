"""Colours that queries ask for: a hexadecimal number or a name, as a point of CIELAB.

Names are those of the xkcd colour survey (`data/xkcd.json`), of CSS and of the colour table.
People imagine purer colours than photos of products show. So a name's point lies between its colour
in a dictionary and its colour in photos: the table's centre if it has the name, or else what
`ColourMatching.in_photos` expects. A hexadecimal number is exactly what it says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import numpy as np
from PIL import ImageColor

from indexer.colours.lab import LabArray, ciede2000, lab_of, rgb_of
from indexer.colours.matching import colour_matching
from indexer.colours.names import MULTICOLOURED, colour_table
from indexer.errors import QueryError

__all__ = [
    "ColourPoint",
    "colour_of",
    "colour_point",
    "hex_of",
    "imagined_colour",
    "look_names",
    "names_many_colours",
]

_XKCD_FILE = Path(__file__).parent / "data" / "xkcd.json"

# How far a name's point is moved from its dictionary's colour to the one in photos: where the table
# has the name, and where its colour in photos is only expected. Chosen on the training part of the
# fashion catalog (docs/colours.md).
_KNOWN_IN_PHOTOS = 0.65
_EXPECTED_IN_PHOTOS = 0.4
# Words for products of many colours, besides the table's own.
_MANY = (
    *("multi", "multicolour", "multicoloured", "multicolored", "manycoloured", "varicoloured"),
    *("colourful", "rainbow"),
)
# Names that a person gives to a colour at a glance. Metals are no colours, and shops' own words for
# shades ("steel", "skin", "coffee brown") tell most people less.
_PLAIN = (
    *("black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink"),
    *("brown", "beige", "cream", "navy blue", "light blue", "turquoise", "teal", "olive", "maroon"),
    *("magenta", "lavender", "peach", "mustard", "tan", "light grey", "dark grey", "light green"),
    *("dark green", "light pink", "coral", "rust"),
)
# Characters of an unknown colour that an error quotes, and how many names it offers.
_QUOTED, _OFFERED = 40, 4
# The least likeness of a name that is offered (`difflib`), 0 to 1.
_ALIKE = 0.6
_HEX_DIGITS = 6
_HEX = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})")
# What does not tell names apart: blanks, hyphens and the like; "gray" is written "grey".
_BETWEEN = re.compile(r"[\s\-_/'.]+")


@dataclass(frozen=True)
class ColourPoint:
    """A colour that is asked for.

    Attributes:
        name: Its name in the dictionary; None for a hexadecimal number.
        lab: `[3]` CIELAB; None for `MULTICOLOURED`, which is no point.
        hex: The same as `#rrggbb`.
    """

    name: str | None
    lab: LabArray | None
    hex: str | None


def hex_of(lab: LabArray) -> str:
    """Return a CIELAB colour `[3]` as `#rrggbb`."""
    return "#" + bytes(rgb_of(lab).tolist()).hex()


def colour_point(text: str) -> ColourPoint:
    """Parse what a query asks for: `#7b1e3a`, `#abc`, or a name.

    Raises:
        QueryError: The text is none of these; the message offers the names most like it.
    """
    found = _HEX.fullmatch(text.strip().casefold())
    if found is not None and (text.strip().startswith("#") or _key(text) not in _names()):
        digits = _six(found[1])
        return ColourPoint(None, _lab_of_hex(digits), f"#{digits}")
    name = _names().get(_key(text))
    if name is None:
        raise QueryError(_unknown(text))
    if name == MULTICOLOURED:
        return ColourPoint(name, None, None)
    lab = _point_of(name)
    return ColourPoint(name, lab, hex_of(lab))


def colour_of(text: str) -> LabArray:
    """Parse a colour that is a point, `[3]` CIELAB.

    Raises:
        QueryError: As `colour_point`; or the name is of many colours.
    """
    point = colour_point(text)
    if point.lab is None:
        raise QueryError(
            f"{text.strip()[:_QUOTED]!r} is no single colour, so nothing lies within a distance of "
            'it: leave colour_within out, or name a colour such as "navy blue".'
        )
    return point.lab


def imagined_colour(name: str) -> LabArray | None:
    """Return the colour of a name in the dictionaries, `[3]` CIELAB; None if they lack it."""
    stated = _xkcd().get(name) or _css().get(_key(name))
    return None if stated is None else _lab_of_hex(stated.removeprefix("#"))


def look_names(lab: LabArray) -> list[str]:
    """Return the plain names by which a person would call colours `[n, 3]`: the nearest points."""
    away = ciede2000(lab[:, np.newaxis], _plain_points())
    return [_PLAIN[place] for place in away.argmin(axis=1).tolist()]


def names_many_colours(text: str) -> bool:
    """Return whether a text is a name of products of many colours."""
    return _names().get(_key(text)) == MULTICOLOURED


@cache
def _names() -> Mapping[str, str]:
    """Map the key of every known name to the name."""
    table = colour_table()
    names = {_key(word): name for word, name in table.synonyms.items()}
    # A synonym that a dictionary has is a colour of its own: ivory is not just any off white.
    names |= {_key(name): name for name in (*_css(), *_xkcd(), *table.names)}
    return names | dict.fromkeys(map(_key, _MANY), MULTICOLOURED)


@cache
def _plain_points() -> LabArray:
    return np.stack([_point_of(name) for name in _PLAIN])


@cache
def _point_of(name: str) -> LabArray:
    """Return the point of a known name of one colour."""
    table = colour_table()
    place = table.place(name)
    in_photos = None if place is None else table.centres[place]
    imagined = imagined_colour(name)
    if imagined is None:
        assert in_photos is not None, "a name is of a dictionary or of the table"
        return np.asarray(in_photos)
    if in_photos is not None:
        return _between(imagined, in_photos, _KNOWN_IN_PHOTOS)
    return _between(imagined, colour_matching().in_photos(imagined), _EXPECTED_IN_PHOTOS)


def _between(first: LabArray, second: LabArray, part: float) -> LabArray:
    return np.asarray(first + part * (second - first), np.float32)


@cache
def _xkcd() -> Mapping[str, str]:
    colours: dict[str, str] = json.loads(_XKCD_FILE.read_text("utf-8"))["colours"]
    return colours


@cache
def _css() -> Mapping[str, str]:
    """The names of CSS, which are written without blanks, by `_key`."""
    return {_key(name): str(value) for name, value in ImageColor.colormap.items()}


def _key(name: str) -> str:
    return _BETWEEN.sub("", name.casefold()).replace("gray", "grey").replace("color", "colour")


def _six(digits: str) -> str:
    return digits if len(digits) == _HEX_DIGITS else "".join(2 * digit for digit in digits)


def _lab_of_hex(digits: str) -> LabArray:
    rgb = np.frombuffer(bytes.fromhex(digits), np.uint8)
    return np.asarray(lab_of(rgb.reshape(1, 1, 3))[0, 0])


def _unknown(text: str) -> str:
    known = _names()
    alike = get_close_matches(_key(text), known, _OFFERED, _ALIKE)
    offered = [*dict.fromkeys(known[key] for key in alike)]
    offered = offered or [name for name in colour_table().names if name != MULTICOLOURED][:8]
    among = "the nearest names are" if alike else "names are, among 900 others,"
    return (
        f"There is no colour {text.strip()[:_QUOTED]!r}: {among} {', '.join(offered)}; or give "
        "#rrggbb."
    )
