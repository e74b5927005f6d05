"""Query options of the client, and their conversion to JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from search_api.client.images import Picture, image_base64, image_bytes, is_url

__all__ = ["HitOptions", "Part", "Query", "SimilarOptions", "query_json", "query_upload"]


class Part(TypedDict, total=False):
    """One weighted part of a query: exactly one of text, image, like, colour and vector.

    Attributes:
        text: Words.
        image: An image.
        like: A product's id.
        colour: A colour, as `#rrggbb` or by its name.
        vector: A vector that `embed` returned.
        weight: Weight of the part, -10 to 10, 1 by default; a negative one pushes hits away.
    """

    text: str
    image: Picture
    like: str
    colour: str
    vector: Sequence[float]
    weight: float


class HitOptions(TypedDict, total=False):
    """Options of every route that finds products.

    Attributes:
        k: Number of hits, 1 to 1000; 20 by default.
        filter: Conditions on product fields that every hit meets, such as
            `{"base_colour": "Red", "price": {"gte": 10, "lt": 50}}`.
        fields: Product fields to return with each hit; all by default.
        diversity: Strength of diversity re-ranking, 0 to 1; 0 by default.
    """

    k: int
    filter: Mapping[str, Any]
    fields: Sequence[str]
    diversity: float


class SimilarOptions(HitOptions, total=False):
    """Options of searches, and of products similar to one.

    Attributes:
        offset: Number of hits to skip, 0 to 10,000.
        min_confidence: Minimum confidence of a hit, 0 to 1.
        colour: Colour to look for, as `#rrggbb` or by its name.
        colour_within: Maximum distance from that colour (CIEDE2000, above 0 to 100).
        colour_share: Minimum share of the product that has it, above 0 to 1; 0.2 by default.
        colour_weight: Weight of the colour's distance in the order of hits, 0 to 1.
        explain: Return with each hit the tags and colours that it shares with the query.
        group: True: products with nearly the same image become one hit. A field's name:
            products with the same value of that field become one hit.
        sort: Fields that decide the order of what matches, such as
            `[{"field": "price", "order": "asc"}]`; relevance decides ties. For products similar to
            one, words such as `["price:asc"]`.
        group_by: Field by whose values products become one hit.
        collapse: True: the variants of a product become one hit. A field's name: products with
            the same value of it do.
        tags: Tag the query's images and products.
    """

    offset: int
    min_confidence: float
    group: bool | str
    sort: Sequence[Mapping[str, str] | str]
    group_by: str
    collapse: bool | str
    explain: bool
    colour: str
    colour_within: float
    colour_share: float
    colour_weight: float
    tags: bool


class Query(SimilarOptions, total=False):
    """One search: text, image, liked products and parts combine into one query by weight.

    Without any of them, all products that pass the filter are listed.

    Attributes:
        text: Words.
        image: An image.
        like: Ids of products to resemble, or one id; they are left out of the hits.
        parts: Weighted parts, 32 at most.
        region: Part of the image to search with: left, top, right and bottom as fractions of its
            width and height; without an image, a part of the one product's image in `like`.
        items: "auto" finds the items in the image, and searches for each.
        boost: Fields that move hits up or down, such as
            `[{"field": "stock", "function": "log", "weight": 0.2}]`.
        pin: Products that come first: ids, or filters.
        bury: Products that come last: ids, or filters.
        facets: Fields whose values are counted over the products that match; each as if the filter
            had no condition on it.
        mode: What decides the order of hits: the vector, the keywords, or both (hybrid); by default
            hybrid where the catalog has texts.
        keyword_weight: Weight of the keywords in hybrid mode, 0 to 1.
        parse: What is done with the words of texts: `show` excludes what they negate.
        fusion: How hybrid mode combines the two: by their scores or by their ranks.
    """

    text: str
    image: Picture
    like: str | Sequence[str]
    parts: Sequence[Part]
    region: tuple[float, float, float, float]
    items: Literal["auto"]
    boost: Sequence[Mapping[str, Any]]
    pin: Sequence[str | Mapping[str, Any]]
    bury: Sequence[str | Mapping[str, Any]]
    facets: Sequence[str]
    mode: Literal["vector", "keyword", "hybrid"]
    keyword_weight: float
    fusion: Literal["scores", "ranks"]
    parse: Literal["off", "show"]


def query_json(query: Mapping[str, Any], *, uploaded: bool = False) -> dict[str, Any]:
    """Return the JSON of a query or of a route's options, with images as URLs or base64.

    Only options that the caller gave are sent, so that defaults are the service's. None means not
    given.

    Args:
        query: A `Query`, or options of a route.
        uploaded: Whether to leave out the query's own image, because it is sent as a file.

    Raises:
        UnreadablePictureError: An image can't be read.
        TypeError: An image is not one in any form that the client takes.
    """
    body = _part_json({**query, "image": None} if uploaded else query)
    if isinstance(body.get("like"), str):
        body["like"] = [body["like"]]
    if "parts" in body:
        body["parts"] = [_part_json(part) for part in body["parts"]]
    return body


def query_upload(query: Mapping[str, Any]) -> bytes | None:
    """Return the file of a query's own image, or None without one or for a URL.

    Errors are those of `query_json`.
    """
    image = query.get("image")
    return None if image is None or is_url(image) else image_bytes(image)


def _part_json(part: Mapping[str, Any]) -> dict[str, Any]:
    body = {name: value for name, value in part.items() if value is not None}
    image = body.pop("image", None)
    if image is not None and is_url(image):
        body["image_url"] = image
    elif image is not None:
        body["image_base64"] = image_base64(image)
    return body
