"""The colour of a query, from a body or from a query string."""

from __future__ import annotations

from typing import Protocol

from indexer.search import WantedColour
from search_api.service.errors import InvalidRequestError

__all__ = ["ColourFields", "wanted_colour"]


class ColourFields(Protocol):
    """The colour fields of `SearchRequest` and of the query-string parameters."""

    colour: str | None
    colour_within: float | None
    colour_share: float
    colour_weight: float | None


def wanted_colour(fields: ColourFields) -> WantedColour | None:
    """Return the colour of a request, if any.

    Raises:
        InvalidRequestError: Options of a colour are given without the colour.
    """
    if fields.colour is None:
        if fields.colour_within is not None or fields.colour_weight is not None:
            raise InvalidRequestError(
                "colour: give the colour that colour_within and colour_weight apply to."
            )
        return None
    return WantedColour(
        fields.colour, fields.colour_within, fields.colour_share, fields.colour_weight
    )
