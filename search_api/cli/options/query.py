"""The options of a search as one dataclass, and the query that they describe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search_api import console
from search_api.cli.opening import read_image
from search_api.cli.options.common import ModeOption
from search_api.cli.options.expansion import shared_fields
from search_api.cli.options.parsing import choice, json_object

if TYPE_CHECKING:
    from indexer.search import Query, QueryPart, WantedColour

__all__ = ["QueryArguments"]


@dataclass(frozen=True, kw_only=True)
class QueryArguments:
    """One query. Fields that `indexer.search.Query` has too keep their names and pass through."""

    text: Annotated[str | None, typer.Argument(help="Words to search for.", show_default=False)] = (
        None
    )
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="Number of hits.")] = 10
    image: Annotated[
        Path | None, typer.Option(help="An image to search with.", show_default=False)
    ] = None
    like: Annotated[
        list[str] | None,
        typer.Option(
            help="The id of a product to search with; can be repeated.", show_default=False
        ),
    ] = None
    filter: Annotated[
        str | None,
        typer.Option(
            help='Conditions on fields as JSON, e.g. \'{"colour": "red", "price": {"lt": 50}}\'.',
            show_default=False,
        ),
    ] = None
    mode: ModeOption = None
    keyword_weight: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Weight of the keyword score in hybrid mode.", show_default=False
        ),
    ] = None
    fusion: Annotated[str, typer.Option(help="scores or ranks: what hybrid mode combines.")] = (
        "scores"
    )
    parse: Annotated[
        str,
        typer.Option(
            help="show: words after without, not, no or a minus sign are excluded; off: they are "
            "searched for."
        ),
    ] = "show"
    min_confidence: Annotated[
        float, typer.Option(min=0, max=1, help="Minimum confidence of a hit (0 to 1).")
    ] = 0.0
    diversity: Annotated[
        float,
        typer.Option(min=0, max=1, help="Diversity of the hits: 0 off, 1 strongest."),
    ] = 0.0
    sort: Annotated[
        list[str] | None,
        typer.Option(
            help="A field to sort by, such as price or price:desc; can be repeated.",
            show_default=False,
        ),
    ] = None
    pin: Annotated[
        list[str] | None,
        typer.Option(help="The id of a product to put first; can be repeated.", show_default=False),
    ] = None
    bury: Annotated[
        list[str] | None,
        typer.Option(help="The id of a product to put last; can be repeated.", show_default=False),
    ] = None
    group_by: Annotated[
        str | None,
        typer.Option(help="A field whose values become one hit each.", show_default=False),
    ] = None
    collapse: Annotated[
        bool, typer.Option("--collapse", help="Make one hit of the variants of a product.")
    ] = False
    colour: Annotated[
        str | None,
        typer.Option(
            help='A wanted colour, "#7b1e3a" or "navy blue"; the nearest hits come first.',
            show_default=False,
        ),
    ] = None
    not_colour: Annotated[
        list[str] | None,
        typer.Option(help="A colour that hits should not have; repeatable.", show_default=False),
    ] = None
    colour_within: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=100,
            help="Maximum colour distance (CIEDE2000); 10 is a clearly different shade.",
            show_default=False,
        ),
    ] = None

    def query(self) -> Query:
        """Build the query; the command ends if an option is wrong."""
        from indexer.search import ColourPart, Fusion, Parse, Query, SearchMode, sort_key

        parts, colour = self._parts(), self._wanted_colour()
        unwanted = tuple(ColourPart(name, -1.0) for name in self.not_colour or ())
        if not parts and colour is None and not unwanted and self.filter is None:
            console.fail("Give words to search for, --image FILE, --like ID, --colour or --filter.")
        return Query(
            **shared_fields(self, Query)
            | {
                "parts": tuple(parts),
                "filter": None if self.filter is None else json_object("--filter", self.filter),
                "mode": None if self.mode is None else choice("--mode", SearchMode, self.mode),
                "fusion": choice("--fusion", Fusion, self.fusion),
                "parse": choice("--parse", Parse, self.parse),
                "colour": colour,
                "colours": unwanted,
                "sort": tuple(map(sort_key, self.sort or ())),
                "pin": tuple(self.pin or ()),
                "bury": tuple(self.bury or ()),
            }
        )

    def _parts(self) -> list[QueryPart]:
        from indexer.search import ImagePart, LikePart, TextPart

        parts: list[QueryPart] = [LikePart(product) for product in self.like or ()]
        if self.text is not None and self.text.strip():
            parts.append(TextPart(self.text))
        if self.image is not None:
            parts.append(ImagePart(read_image(self.image)))
        return parts

    def _wanted_colour(self) -> WantedColour | None:
        from indexer.search import WantedColour

        if self.colour is not None:
            return WantedColour(self.colour, self.colour_within)
        if self.colour_within is not None:
            console.fail("--colour-within requires --colour.")
        return None
