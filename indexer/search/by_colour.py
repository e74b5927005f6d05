"""Search by colour: colours as filters, and the colours of hits."""

from __future__ import annotations

import numpy as np

from indexer.colours import (
    ColourPoint,
    MeasuredColours,
    ciede2000,
    colour_of,
    colour_point,
    hex_of,
    look_names,
)
from indexer.errors import QueryError
from indexer.index import Found, HitColour, Index
from indexer.retrieval import And, HasColour, Predicate
from indexer.search.query import Query, WantedColour

__all__ = ["main_point", "palette", "with_colour"]

# CIEDE2000 differences; black and white differ by 100.
_MAX_DIFFERENCE = 100


def with_colour(index: Index, query: Query, where: Predicate | None) -> Predicate | None:
    """Add the query's colour to its filter, where it is one, and check all of its colours.

    Raises:
        QueryError: The colour is not known, a number is out of range, or the index has no colours.
    """
    wanted = query.colour
    if wanted is None and not query.colours:
        return where
    if wanted is not None:
        colour_point(wanted.colour)
        _check_numbers(wanted)
    for part in query.colours:
        colour_point(part.colour)
    if any(segment.product_colours is None for segment in index.segments):
        raise QueryError(
            "This index was built before colours were measured; run `lookalike index merge` on it "
            "once, or build it again."
        )
    if wanted is None or wanted.within is None:
        return where
    lightness, a, b = colour_of(wanted.colour).tolist()
    has = HasColour((lightness, a, b), wanted.within, wanted.share)
    return has if where is None else And((where, has))


def main_point(query: Query) -> ColourPoint | None:
    """Return the colour that a query is about: of several wanted ones the first; None for none."""
    if query.colour is not None:
        return colour_point(query.colour.colour)
    wanted = [part.colour for part in query.colours if part.weight > 0]
    return colour_point(wanted[0]) if wanted else None


def palette(index: Index, found: Found, point: ColourPoint | None) -> tuple[HitColour, ...]:
    """Return the measured colours of the image that was found, the greatest share first.

    Args:
        index: The generation that found it.
        found: The image's place.
        point: The colour that was asked for; None for no wanted one.
    """
    stored = index.segments[found.segment].colours
    measured = None if stored is None else MeasuredColours.from_array(np.array(stored[found.image]))
    if measured is None:
        return ()
    away: list[float | None] = [None] * len(measured.lab)
    if point is not None and point.lab is not None:
        away = [*ciede2000(measured.lab, point.lab).tolist()]
    return tuple(
        HitColour(name, hex_of(lab), float(share), difference)
        for name, lab, share, difference in zip(
            look_names(measured.lab), measured.lab, measured.shares, away, strict=True
        )
    )


def _check_numbers(wanted: WantedColour) -> None:
    if wanted.within is not None and not 0 < wanted.within <= _MAX_DIFFERENCE:
        raise QueryError("colour_within is a colour difference, above 0 and up to 100.")
    if not 0 < wanted.share <= 1:
        raise QueryError("colour_share is a share of the product, above 0 and up to 1.")
    if not 0 <= wanted.effective_weight <= 1:
        raise QueryError("colour_weight is a weight, from 0 to 1.")
