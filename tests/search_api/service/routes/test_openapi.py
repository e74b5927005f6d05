"""The service's own description of itself: complete, resolvable, and true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.schemas import ErrorResponse, SearchRequest, TagsRequest
from search_api.service.settings import Settings

ROUTES = {
    ("post", "/v1/search"),
    ("get", "/v1/search"),
    ("post", "/v1/search/batch"),
    ("post", "/v1/tags"),
    ("get", "/v1/items/{product_id}"),
    ("get", "/v1/items/{product_id}/image/{number}"),
    ("get", "/v1/items/{product_id}/similar"),
    ("post", "/v1/recommend"),
    ("get", "/v1/index"),
    ("get", "/metrics"),
    ("get", "/healthz"),
    ("get", "/readyz"),
}
ERROR = {"$ref": "#/components/schemas/ErrorResponse"}


@pytest.fixture(scope="module")
def document(client: TestClient) -> Any:
    return client.get("/openapi.json").json()


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON document."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def operations(document: Any) -> dict[tuple[str, str], Any]:
    return {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_every_promised_route_is_there(document: Any) -> None:
    assert set(operations(document)) >= ROUTES


def test_every_field_has_words_or_an_example(document: Any) -> None:
    bare = [
        f"{model}.{name}"
        for model, schema in document["components"]["schemas"].items()
        for name, field in schema.get("properties", {}).items()
        if not field.get("description") and not field.get("examples")
    ]
    assert bare == []


def test_every_model_and_route_says_what_it_is(document: Any) -> None:
    models = document["components"]["schemas"]
    assert [name for name, schema in models.items() if not schema.get("description")] == []
    found = operations(document)
    assert [route for route, operation in found.items() if not operation.get("description")] == []


def test_every_parameter_has_words_or_an_example(document: Any) -> None:
    bare = [
        (route, parameter["name"])
        for route, operation in operations(document).items()
        for parameter in operation.get("parameters", [])
        if not any(
            holder.get(key)
            for holder in (parameter, parameter["schema"])
            for key in ("description", "example", "examples")
        )
    ]
    assert bare == []


def test_every_reference_resolves(document: Any) -> None:
    references = {node["$ref"] for node in walk(document) if isinstance(node.get("$ref"), str)}
    assert references
    for reference in references:
        target = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def test_errors_are_documented_in_their_shape(document: Any) -> None:
    for route, operation in operations(document).items():
        errors = {
            status: answer["content"]["application/json"]["schema"]
            for status, answer in operation["responses"].items()
            if not status.startswith("2")
        }
        assert {"400", "413", "422"} <= errors.keys(), route
        assert all(schema == ERROR for schema in errors.values()), route
    assert "415" in operations(document)[("post", "/v1/search")]["responses"]
    assert set(ErrorResponse.model_fields) == {"code", "message", "request_id"}


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/search", "SearchRequest"),
        ("/v1/items/{product_id}/heatmap", "SearchRequest"),
        ("/v1/tags", "TagsRequest"),
    ],
)
def test_both_kinds_of_body_are_documented(document: Any, path: str, model: str) -> None:
    body = operations(document)[("post", path)]["requestBody"]
    reference = {"$ref": f"#/components/schemas/{model}"}
    assert body["required"]
    schema = body["content"]["application/json"]["schema"]
    if path != "/v1/search":  # which may be empty
        schema, condition = schema["allOf"]
        assert {"anyOf", "oneOf"} & condition.keys()
    assert schema == reference
    form = body["content"]["multipart/form-data"]["schema"]["properties"]
    file: dict[str, Any] = {"type": "string", "format": "binary"}
    if path == "/v1/tags":  # takes several
        file = {"type": "array", "items": file, "minItems": 1, "maxItems": 32}
    assert form == {"image": file, "query": reference}


def test_requests_name_the_fields_of_the_catalog(document: Any) -> None:
    schemas = document["components"]["schemas"]
    fields = {"title", "price", "available", "sizes"} & set(schemas["ProductFilter"]["properties"])
    assert {"title", "price"} <= fields
    search = schemas["SearchRequest"]["properties"]
    assert "price" in search["facets"]["items"]["enum"]
    assert "price" in search["fields"]["anyOf"][0]["items"]["enum"]
    assert search["filter"]["anyOf"][0] == {"$ref": "#/components/schemas/ProductFilter"}
    conditions = schemas[schemas["ProductFilter"]["properties"]["price"]["$ref"].split("/")[-1]]
    assert {"gte", "lt", "in", "not"} <= conditions["anyOf"][2]["properties"].keys()
    assert conditions["anyOf"][2]["additionalProperties"] is False
    named = [
        parameter["schema"]["anyOf"][0]["items"]["enum"]
        for operation in operations(document).values()
        for parameter in operation.get("parameters", [])
        if parameter["name"] == "fields"
    ]
    assert len(named) == 2
    assert all({"price", ""} <= set(names) for names in named)


def test_images_by_url_are_in_the_document_only_where_they_are_fetched(
    colour_engine: Engine,
) -> None:
    for fetches in (False, True):
        app = create_app(colour_engine, Settings(allow_url_fetch=fetches))
        for model in ("SearchRequest", "PartRequest", "TagsRequest"):
            schema = app.openapi()["components"]["schemas"][model]["properties"]["image_url"]
            assert (schema.get("type") == "null") is not fetches


@pytest.mark.parametrize("model", [SearchRequest, TagsRequest])
def test_the_examples_are_accepted(model: type[SearchRequest | TagsRequest]) -> None:
    for name, field in model.model_fields.items():
        for example in field.examples or []:
            required = {"labels": ["a"]} if model is TagsRequest else {}
            assert name in model.model_validate(required | {name: example}).model_fields_set


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("SearchResponse", "/v1/search?q=red"),
        ("IndexResponse", "/v1/index"),
        ("ItemResponse", "/v1/items/red"),
        ("HealthResponse", "/healthz"),
        ("ErrorResponse", "/v1/items/violet"),
    ],
)
def test_answers_have_the_fields_that_are_documented(
    client: TestClient, document: Any, model: str, path: str
) -> None:
    answer = client.get(path).json()
    schema = document["components"]["schemas"][model]
    # What is left out of an answer is documented as optional.
    assert set(schema["required"]) <= set(answer) <= set(schema["properties"])
