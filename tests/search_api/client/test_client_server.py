"""The client against a real server process over a real index."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from search_api.client import (
    BadRequestError,
    ConnectionFailedError,
    InvalidRequestError,
    NotFoundError,
    Retries,
    SearchResult,
    UnsupportedPictureError,
)
from tests.support.client_kinds import KINDS
from tests.support.processes import HOSTILE_ID, HOSTILE_TITLE, MODEL, PATIENCE, Drawn, Server


@pytest.fixture(scope="module", params=KINDS, ids=["sync", "async"])
def lookalike(request: pytest.FixtureRequest, server: Server) -> Iterator[Any]:
    client = request.param(server.url, timeout=PATIENCE)
    yield client
    client.close()


def found(result: SearchResult) -> list[str]:
    return [hit.id for hit in result.hits]


@pytest.fixture(params=["path", "text", "bytes", "file", "pil", "stream"])
def mug(request: pytest.FixtureRequest, drawn: Drawn) -> Iterator[Any]:
    """A product's picture in every way that a caller may have it."""
    path = drawn.picture("mug-0001")
    match request.param:
        case "path":
            yield path
        case "text":
            yield str(path)
        case "bytes":
            yield path.read_bytes()
        case "file":
            with path.open("rb") as file:
                yield file
        case "pil":
            with Image.open(path) as image:
                yield image
        case "stream":
            yield io.BytesIO(path.read_bytes())


def test_an_image_finds_its_product(lookalike: Any, mug: Any) -> None:
    result = lookalike.search(image=mug, k=2, fields=["category"])
    first = result.hits[0]
    assert (first.id, first.fields) == ("mug-0001", {"category": "kitchen"})
    assert first.score > 0.98
    assert first.confidence is not None
    assert 0 <= first.confidence <= 1
    assert result.total >= len(result.hits) == 2
    assert (result.total_relation, result.no_match) == ("exact", False)
    assert (result.generation, result.model) == (1, MODEL)


def test_every_part_of_a_query_is_understood(lookalike: Any, drawn: Drawn) -> None:
    mug = drawn.picture("mug-0001")
    result = lookalike.search(
        text="a mug",
        image=mug,
        like=["bottle-0001"],
        parts=[{"image": mug, "weight": -0.1}, {"text": "umbrella", "weight": -0.4},
               {"like": "teapot-0001", "weight": 0.2}],
        region=(0.1, 0.1, 0.9, 0.9),
        filter={"price": {"gte": 0}},
        k=3,
        offset=1,
        group=True,
        min_confidence=0.0,
        diversity=0.1,
        facets=["category"],
        fields=["title", "price"],
        mode="hybrid",
        keyword_weight=0.3,
        fusion="ranks",
    )  # fmt: skip
    assert result.total >= len(result.hits) == 3
    assert "bottle-0001" not in found(result)
    assert all(set(hit.fields) == {"title", "price"} for hit in result.hits)
    assert all(isinstance(hit.fields["price"], float) for hit in result.hits)
    assert 0 < sum(count for _, count in result.facets["category"]) <= result.total


def test_a_negative_part_pushes_away(lookalike: Any, drawn: Drawn) -> None:
    mug = drawn.picture("mug-0001")
    near = found(lookalike.search(image=mug, k=3))
    far = found(lookalike.search(text="umbrella", parts=[{"image": mug, "weight": -2}], k=3))
    assert not set(near) & set(far)


def test_a_batch(lookalike: Any, drawn: Drawn) -> None:
    queries = [{"text": "umbrella", "k": 1}, {"like": "none"}, {"text": "a", "k": 0},
               {"image": drawn.picture("mug-0001"), "k": 1}]  # fmt: skip
    words, unknown, wrong, picture = lookalike.search_batch(queries)
    assert words.hits[0].id.startswith("umbrella")
    assert isinstance(unknown, NotFoundError)
    assert isinstance(wrong, InvalidRequestError)
    assert wrong.message.startswith("k: ")
    assert found(picture) == ["mug-0001"]


def test_similar_and_recommended(lookalike: Any) -> None:
    near = lookalike.similar("mug-0001", k=4, filter={"category": "kitchen"}, group=False)
    assert len(set(found(near)) - {"mug-0001"}) == 4
    assert all(hit.fields["category"] == "kitchen" for hit in near.hits)
    paged = lookalike.similar("mug-0001", k=2, offset=2, filter={"category": "kitchen"}, fields=[])
    assert found(paged) == found(near)[2:]
    assert paged.hits[0].fields == {}
    tastes = ["mug-0001", "bottle-0001"], ["umbrella-0001"]
    liked = lookalike.recommend(*tastes, k=3, fields=["title"])
    assert not {"mug-0001", "bottle-0001", "umbrella-0001"} & set(found(liked))
    assert all(set(hit.fields) == {"title"} for hit in liked.hits)


def test_tags_of_labels(lookalike: Any, drawn: Drawn) -> None:
    result = lookalike.tags(drawn.picture("mug-0001"), ["a mug", "an umbrella"], top=1)
    assert [tag.label for tag in result.tags] == ["a mug"]
    assert result.tags[0].confidence > 0.5


@pytest.mark.parametrize("size", [None, 32])
def test_a_product_and_its_image(lookalike: Any, size: int | None) -> None:
    product = lookalike.item(HOSTILE_ID)
    assert product.fields == {"title": HOSTILE_TITLE}
    picture = Image.open(io.BytesIO(lookalike.item_image(HOSTILE_ID, 0, size)))
    assert (picture.format, max(picture.size)) == ("WEBP", size or 240)


@pytest.mark.parametrize("name", [".", "..", "../../healthz", "a/b", "%2F", "?", "#", "mug 1", " "])
def test_odd_ids_mean_products_alone(name: str, lookalike: Any) -> None:
    with pytest.raises(NotFoundError) as raised:
        lookalike.item(name)
    assert name in raised.value.message
    with pytest.raises(NotFoundError):
        lookalike.similar(name)


def test_the_index_that_is_served(lookalike: Any) -> None:
    info = lookalike.index()
    assert (info.products, info.model, info.fields["price"]) == (41, MODEL, "float")
    assert "hybrid" in info.modes
    assert lookalike.ready()


def test_refusals_name_what_to_do(lookalike: Any, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="nothing") as raised:
        lookalike.search(text="red", filter={"nothing": 1})
    assert raised.value.status == 422
    assert raised.value.request_id
    with pytest.raises(UnsupportedPictureError):
        lookalike.search(image=b"text named .jpg")
    with pytest.raises(BadRequestError) as raised:
        lookalike.search(image="https://shop.example/dress.jpg")
    assert raised.value.code == "url_not_allowed"


@pytest.mark.parametrize("kind", KINDS, ids=["sync", "async"])
def test_a_port_without_a_service(kind: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = kind(f"http://127.0.0.1:{port}", retries=Retries(attempts=2, initial_backoff=0.01))
    with pytest.raises(ConnectionFailedError, match="can't be reached"):
        client.search(text="red")
    assert client.ready() is False
    client.close()
