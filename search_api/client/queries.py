"""What callers ask, by name, and the JSON that says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from search_api.client.images import Picture, is_url, picture_base64, picture_bytes

__all__ = ["HitOptions", "Part", "Query", "SimilarOptions", "query_json", "query_upload"]


class Part(TypedDict, total=False):
    """One weighted part of a query: exactly one of text, image and like.

    Attributes:
        text: Words.
        image: A picture.
        like: A product's id.
        weight: -10 to 10, 1 by default; a negative weight pushes away.
    """

    text: str
    image: Picture
    like: str
    weight: float


class HitOptions(TypedDict, total=False):
    """Which hits to get, and how much of them.

    Attributes:
        k: How many, 1 to 1000; 20 by default.
        filter: Conditions on product fields that every hit meets, such as
            `{"base_colour": "Red", "price": {"gte": 10, "lt": 50}}`.
        fields: Product fields that the hits carry; all by default.
        diversity: How much hits that resemble those before them are pushed down, 0 to 1.
    """

    k: int
    filter: Mapping[str, Any]
    fields: Sequence[str]
    diversity: float


class SimilarOptions(HitOptions, total=False):
    """Which hits to get, page by page.

    Attributes:
        offset: How many hits to skip, 0 to 10,000.
        min_confidence: Hits of less confidence are left out, 0 to 1.
        colour: A colour that hits are to have, as `#rrggbb` or by its name.
        colour_within: Only products with a colour that differs by so much at most are hits
            (CIEDE2000, above 0 to 100).
        colour_share: How much of a product that must be, above 0 to 1; 0.2 by default.
        colour_weight: How much nearness to the colour counts for the order, 0 to 1.
        explain: Each hit comes with the tags and colours that it shares with the query.
        group: True: products whose pictures are nearly the same come as one hit. A field's name:
            products with the same value of that field do.
        tags: Tag what is asked about: pictures and products, which words are not.
    """

    offset: int
    min_confidence: float
    group: bool | str
    explain: bool
    colour: str
    colour_within: float
    colour_share: float
    colour_weight: float
    tags: bool


class Query(SimilarOptions, total=False):
    """One search: text, picture, liked products and parts combine into one query by weight.

    Attributes:
        text: Words.
        image: A picture.
        like: Ids of products to be like, or one id; they are left out of the hits.
        parts: Weighted parts, 32 at most.
        region: The part of the picture that counts: left, top, right and bottom as shares of its
            width and height; without a picture, of the picture of the one product in `like`.
        facets: Fields whose values are counted over all products that pass the filter.
        mode: What decides about the order of hits: vectors, words, or both.
        keyword_weight: The words' share in hybrid mode, 0 to 1.
        fusion: How hybrid mode puts the two together: by their scores or by their ranks.
    """

    text: str
    image: Picture
    like: str | Sequence[str]
    parts: Sequence[Part]
    region: tuple[float, float, float, float]
    facets: Sequence[str]
    mode: Literal["vector", "keyword", "hybrid"]
    keyword_weight: float
    fusion: Literal["scores", "ranks"]


def query_json(query: Mapping[str, Any], *, uploaded: bool = False) -> dict[str, Any]:
    """The JSON of a query or of a route's options; pictures in it become URLs or base64.

    Only what the caller gave is sent, so that defaults are the service's. What is None counts as
    not given.

    Args:
        query: A `Query`, or options of a route.
        uploaded: Leave the query's own picture out, since it goes as a file.

    Raises:
        UnreadablePictureError: A picture can't be read.
        TypeError: A picture is none.
    """
    asked = _part_json({**query, "image": None} if uploaded else query)
    if isinstance(asked.get("like"), str):
        asked["like"] = [asked["like"]]
    if "parts" in asked:
        asked["parts"] = [_part_json(part) for part in asked["parts"]]
    return asked


def query_upload(query: Mapping[str, Any]) -> bytes | None:
    """The file of a query's own picture, unless it has none or a URL; errors as `query_json`."""
    image = query.get("image")
    return None if image is None or is_url(image) else picture_bytes(image)


def _part_json(part: Mapping[str, Any]) -> dict[str, Any]:
    asked = {name: value for name, value in part.items() if value is not None}
    image = asked.pop("image", None)
    if image is not None and is_url(image):
        asked["image_url"] = image
    elif image is not None:
        asked["image_base64"] = picture_base64(image)
    return asked
