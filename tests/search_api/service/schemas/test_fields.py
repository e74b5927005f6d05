"""Search options have one set of names, bounds and defaults in every layer."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pytest
from pydantic import BaseModel

from indexer.search import Query as EngineQuery
from search_api.client import HitOptions, SimilarOptions
from search_api.client import Query as ClientQuery
from search_api.service.requests import SimilarParameters, TextParameters
from search_api.service.schemas import RecommendRequest, SearchRequest

# What a query looks for, as opposed to options; each layer takes these in its own form.
SUBJECTS = {"text", "q", "image", "image_base64", "image_url", "region", "like", "parts"}
SUBJECTS |= {"items", "colours"}
# What a query's texts were read as is no option of it.
READ = {"understood"}
COLOUR = {"colour", "colour_within", "colour_share", "colour_weight"}
# What a shop decides, and no query string says.
SHOPS = {"boost", "pin", "bury"}


def options(names: Iterable[str]) -> set[str]:
    return set(names) - SUBJECTS


def constraints(model: type[BaseModel], name: str) -> list[str]:
    """A field's bounds, without the type's strictness, in which JSON differs from text."""
    kept = (repr(one) for one in model.model_fields[name].metadata)
    return sorted(one for one in kept if not one.startswith(("Strict", "BeforeValidator")))


def test_the_layers_have_the_same_options() -> None:
    body = options(SearchRequest.model_fields)
    assert body == options(ClientQuery.__optional_keys__)
    engine = {field.name for field in dataclasses.fields(EngineQuery)}
    assert body - COLOUR == engine - SUBJECTS - READ - COLOUR
    assert options(TextParameters.model_fields) == body - {"fusion"} - SHOPS
    similar = options(SimilarParameters.model_fields)
    assert similar == options(SimilarOptions.__optional_keys__)
    assert similar == body - {"facets", "fusion", "mode", "keyword_weight", "parse"} - SHOPS
    assert {"k", "fields", "filter", "diversity"} == HitOptions.__optional_keys__
    assert set(RecommendRequest.model_fields) == {
        "liked",
        "disliked",
        *HitOptions.__optional_keys__,
    }


def test_the_layers_have_the_same_defaults() -> None:
    body = {name: field.default for name, field in SearchRequest.model_fields.items()}
    engine = {field.name: field.default for field in dataclasses.fields(EngineQuery)}
    shared = options(body) - COLOUR - SHOPS - {"facets", "sort"}
    assert {name: body[name] for name in shared} == {name: engine[name] for name in shared}
    for model in (TextParameters, SimilarParameters, RecommendRequest):
        fields = {name: field.default for name, field in model.model_fields.items()}
        assert {name: fields[name] for name in shared & set(fields)} == {
            name: body[name] for name in shared & set(fields)
        }


@pytest.mark.parametrize("model", [TextParameters, SimilarParameters, RecommendRequest])
def test_the_layers_have_the_same_bounds(model: type[BaseModel]) -> None:
    own = {"fields", "filter", "sort"}  # repeated or JSON text in a query string
    for name in (options(model.model_fields) & options(SearchRequest.model_fields)) - own:
        assert constraints(model, name) == constraints(SearchRequest, name), name


@pytest.mark.parametrize("value", ["5", True, 5.5])
def test_bodies_take_json_numbers_alone(value: object) -> None:
    for name in ("k", "offset"):
        with pytest.raises(ValueError, match=f"(?s){name}.*valid integer"):
            SearchRequest.model_validate({name: value})


def test_query_strings_take_numbers_as_text() -> None:
    given = TextParameters.model_validate({"k": "5", "min_confidence": "0.5", "group": "true"})
    assert (given.k, given.min_confidence, given.group) == (5, 0.5, True)
