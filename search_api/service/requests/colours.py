"""The colour that requests ask for, in a body or behind the question mark."""

from __future__ import annotations

from typing import Protocol

from indexer.search import WantedColour
from search_api.service.errors import InvalidRequestError

__all__ = ["ColourAsked", "wanted_colour"]


class ColourAsked(Protocol):
    """What a request says about a colour; as the fields of `SearchRequest`."""

    colour: str | None
    colour_within: float | None
    colour_share: float
    colour_weight: float | None


def wanted_colour(asked: ColourAsked) -> WantedColour | None:
    """The colour that a request asks for, if any.

    Raises:
        InvalidRequestError: Something is said about a colour, and none is given.
    """
    if asked.colour is None:
        if asked.colour_within is not None or asked.colour_weight is not None:
            raise InvalidRequestError("colour: give the colour that the other fields are about.")
        return None
    return WantedColour(asked.colour, asked.colour_within, asked.colour_share, asked.colour_weight)
