"""The query of the command line; and the options of a search, compared between all layers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, get_type_hints

import pytest
import typer

from indexer import search
from search_api import client
from search_api.cli.options import QueryArguments
from search_api.service.requests.parameters import TextParameters
from search_api.service.schemas import SearchRequest


@dataclass(frozen=True)
class Difference:
    """What one layer has instead of the options of `SearchRequest`.

    Attributes:
        lacks: Options of the request that the layer does not have.
        adds: Options that only the layer has.
    """

    lacks: frozenset[str]
    adds: frozenset[str]


# Each layer against `SearchRequest`, the body of `POST /search`.
INTENDED = {
    # A terminal shows one page of hits: no paging, facets, groups, tags or explanations. Images
    # come as files, and weighted parts and regions are for programs, but for unwanted colours.
    # Items are an option of the command `search` alone.
    "command line": Difference(
        lacks=frozenset({
            "image_base64", "image_url", "region", "parts", "offset", "fields", "facets", "tags",
            "group", "explain", "colour_share", "colour_weight", "items", "boost",
        }),
        adds=frozenset({"image", "not_colour"}),
    ),
    # A GET has words only (`q`); everything that needs a body is for POST.
    "GET": Difference(
        lacks=frozenset({
            "text", "image_base64", "image_url", "region", "like", "parts", "fusion", "items",
            "boost", "pin", "bury",
        }),
        adds=frozenset({"q"}),
    ),
    # The engine takes decoded parts, those of colours by themselves, and a colour as one value with
    # its distance and weights. Each item is a query of its own. A query that was read knows how.
    "engine": Difference(
        lacks=frozenset({
            "text", "image_base64", "image_url", "region", "like", "colour_within",
            "colour_share", "colour_weight", "items",
        }),
        adds=frozenset({"colours", "understood"}),
    ),
    # The client turns one `image` into base64, a URL or an upload.
    "client": Difference(lacks=frozenset({"image_base64", "image_url"}), adds=frozenset({"image"})),
}  # fmt: skip


def options(layer: str) -> set[str]:
    """The names of a layer's options."""
    match layer:
        case "command line":
            return {field.name for field in fields(QueryArguments)}
        case "GET":
            return set(TextParameters.model_fields)
        case "engine":
            return {field.name for field in fields(search.Query)}
        case _:
            return set(client.Query.__annotations__)


def bounds(field: Any) -> dict[str, float]:
    """The bounds of a pydantic field, by the names of its constraints."""
    return {
        name: getattr(constraint, name)
        for constraint in field.metadata
        for name in ("ge", "gt", "le")
        if hasattr(constraint, name)
    }


@pytest.mark.parametrize("layer", INTENDED)
def test_a_layer_has_the_options_of_the_request(layer: str) -> None:
    difference = INTENDED[layer]
    assert difference.lacks <= set(SearchRequest.model_fields)
    expected = set(SearchRequest.model_fields) - difference.lacks | difference.adds
    assert options(layer) == expected


def test_the_command_line_has_the_same_bounds() -> None:
    requests = SearchRequest.model_fields
    for name, hint in get_type_hints(QueryArguments, include_extras=True).items():
        option = hint.__metadata__[0]
        if name in requests and isinstance(option, typer.models.OptionInfo):
            expected = bounds(requests[name])
            # typer has no bound that is itself excluded.
            least = 0.1 if name == "colour_within" else expected.get("ge")
            assert (option.min, option.max) == (least, expected.get("le")), name


def test_get_has_the_same_bounds_and_defaults() -> None:
    for name, parameter in TextParameters.model_fields.items():
        if name in SearchRequest.model_fields:
            request = SearchRequest.model_fields[name]
            assert bounds(parameter) == bounds(request), name
            assert parameter.default == request.default, name


def test_defaults_agree() -> None:
    engine = {field.name: field.default for field in fields(search.Query)}
    command = {field.name: field.default for field in fields(QueryArguments)}
    # Half a screen of a terminal, not a page of a shop.
    assert command.pop("k") == 10
    lists = {"sort", "boost", "pin", "bury"}
    assert all(engine[name] == () for name in lists)
    for name, request in SearchRequest.model_fields.items():
        if name in engine and name not in {"parts", "facets", *lists}:
            assert engine[name] == request.default, name
        # None leaves the engine's default.
        if name in command and name != "like" and command[name] is not None:
            assert command[name] == request.default, name


def test_every_option_reaches_the_query() -> None:
    arguments = QueryArguments(
        text=" red dress ", k=3, like=["a", "b"], filter='{"size": 42}', mode="hybrid",
        keyword_weight=0.3, fusion="ranks", min_confidence=0.5, diversity=0.2, colour="navy",
        colour_within=12,
    )  # fmt: skip
    parts = (search.LikePart("a"), search.LikePart("b"), search.TextPart(" red dress "))
    assert arguments.query() == search.Query(
        parts, k=3, filter={"size": 42}, mode=search.SearchMode.HYBRID, keyword_weight=0.3,
        fusion=search.Fusion.RANKS, min_confidence=0.5, diversity=0.2,
        colour=search.WantedColour("navy", 12),
    )  # fmt: skip


def test_defaults_are_the_engines_own() -> None:
    query = QueryArguments(text="red").query()
    assert query == search.Query((search.TextPart("red"),), k=10)


def test_a_colour_alone_is_a_query() -> None:
    expected = search.Query((), k=10, colour=search.WantedColour("navy"))
    assert QueryArguments(colour="navy").query() == expected


def test_unwanted_colours_are_negative_parts() -> None:
    query = QueryArguments(text="shoes", not_colour=["red", "#00f"]).query()
    assert query.colours == (search.ColourPart("red", -1.0), search.ColourPart("#00f", -1.0))
