"""Search by colour: colours as filters, and queries of a colour alone."""

from __future__ import annotations

from dataclasses import replace

from indexer.colours import colour_of, colour_table
from indexer.errors import QueryError
from indexer.index import Index
from indexer.retrieval import And, HasColour, Predicate
from indexer.search.query import Query, TextPart, WantedColour

__all__ = ["colour_alone", "with_colour"]

# CIEDE2000 differences; black and white differ by 100.
_MAX_DIFFERENCE = 100


def colour_alone(wanted: WantedColour) -> tuple[TextPart, WantedColour]:
    """Return the query of a colour without anything else: its name, ordered by colour alone.

    Raises:
        QueryError: The colour is not known.
    """
    table = colour_table()
    name = table.names[int(table.likeliest_names(colour_of(wanted.colour)))]
    return TextPart(name), replace(wanted, weight=1.0 if wanted.weight is None else wanted.weight)


def with_colour(index: Index, query: Query, where: Predicate | None) -> Predicate | None:
    """Add the query's colour to its filter, where the query uses the colour as a filter.

    Raises:
        QueryError: The colour is not known, a number is out of range, or the index has no colours.
    """
    wanted = query.colour
    if wanted is None:
        return where
    _check_numbers(wanted)
    lightness, a, b = colour_of(wanted.colour).tolist()
    if any(segment.product_colours is None for segment in index.segments):
        raise QueryError(
            "This index was built before colours were measured; run `lookalike index merge` on it "
            "once, or build it again."
        )
    if wanted.within is None:
        return where
    has = HasColour((lightness, a, b), wanted.within, wanted.share)
    return has if where is None else And((where, has))


def _check_numbers(wanted: WantedColour) -> None:
    if wanted.within is not None and not 0 < wanted.within <= _MAX_DIFFERENCE:
        raise QueryError("colour_within is a colour difference, above 0 and up to 100.")
    if not 0 < wanted.share <= 1:
        raise QueryError("colour_share is a share of the product, above 0 and up to 1.")
    if not 0 <= wanted.effective_weight <= 1:
        raise QueryError("colour_weight is a weight, from 0 to 1.")
