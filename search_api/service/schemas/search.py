"""The HTTP API's requests and answers, field by field, each with an example."""

from __future__ import annotations

from typing import Annotated, Any, Self
from urllib.parse import quote, urlencode

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from embeddings import Tag
from indexer.catalog import FieldValue, ShownValue
from indexer.index import Match, Product, index_kind, index_recall
from indexer.search import (
    KEYWORD_WEIGHT,
    Engine,
    Explanation,
    Fusion,
    LikePart,
    Query,
    SearchMode,
    SearchResult,
    TextPart,
)

__all__ = [
    "BatchError",
    "BatchRequest",
    "BatchResponse",
    "BatchResult",
    "ErrorResponse",
    "ExplanationResponse",
    "HealthResponse",
    "Hit",
    "IndexResponse",
    "ItemResponse",
    "PartRequest",
    "RecommendRequest",
    "SearchRequest",
    "SearchResponse",
    "SharedColourResponse",
    "TagResponse",
    "TagsRequest",
    "TagsResponse",
    "TagsResult",
    "heat_path",
    "image_path",
]

MAX_K = 1000
MAX_OFFSET = 10_000
_MAX_PARTS = 32
_MAX_LABELS = 1000
_MAX_FACETS = 32
_MAX_SEEDS = 100
_MAX_NAME = 512
_MAX_QUERIES = 64
MAX_PICTURES = 32
_MAX_TAXONOMIES = 8

Text = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
ProductId = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Url = Annotated[str, StringConstraints(max_length=4096)]
# JSON's numbers and no others: "5" and true are none.
Whole = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Share = Annotated[Number, Field(ge=0, le=1)]
ColourText = Annotated[str, StringConstraints(min_length=1, max_length=40)]
FieldName = Annotated[str, StringConstraints(max_length=_MAX_NAME)]


def _boolean_or_name(value: object) -> object:
    if not isinstance(value, bool | str) or (isinstance(value, str) and len(value) > _MAX_NAME):
        raise ValueError("give true, false or a field's name")
    return value


Group = Annotated[bool | str, BeforeValidator(_boolean_or_name)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class PartRequest(_Request):
    """One weighted part of a query: exactly one of text, image_base64, image_url and like."""

    text: Text | None = Field(default=None, examples=["long sleeves"])
    image_base64: str | None = Field(default=None, description="A picture's bytes in base64.")
    image_url: Url | None = Field(
        default=None, examples=["https://shop.example/dress.jpg"], description="A picture's URL."
    )
    like: ProductId | None = Field(default=None, examples=["15970"], description="A product's id.")
    weight: Number = Field(
        default=1.0, ge=-10, le=10, examples=[-0.4], description="A negative weight pushes away."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [self.text, self.image_base64, self.image_url, self.like]
        if sum(value is not None for value in given) != 1:
            raise ValueError("give exactly one of text, image_base64, image_url and like")
        return self


class SearchRequest(_Request):
    """A search; text, picture, liked products and parts combine into one query by weight."""

    text: Text | None = Field(default=None, examples=["red summer dress"])
    image_base64: str | None = Field(
        default=None, description="A picture's bytes in base64, instead of an uploaded file."
    )
    image_url: Url | None = Field(
        default=None,
        examples=["https://shop.example/dress.jpg"],
        description="A picture's http or https URL; refused unless the service was started with "
        "--allow-url-fetch or --url-host.",
    )
    region: tuple[Share, Share, Share, Share] | None = Field(
        default=None,
        examples=[[0.1, 0.2, 0.8, 0.9]],
        description="The part of the query picture that counts: left, top, right and bottom as "
        "shares of its width and height. Pictures among the parts are taken whole. Without a query "
        "picture it is a part of the first picture of the one product in like.",
    )
    like: list[ProductId] = Field(
        default=[],
        max_length=_MAX_PARTS,
        examples=[["15970"]],
        description="Ids of products to be like; they are left out of the hits.",
    )
    parts: list[PartRequest] = Field(
        default=[],
        max_length=_MAX_PARTS,
        examples=[[{"text": "floral", "weight": 0.5}, {"text": "long sleeves", "weight": -0.4}]],
    )
    k: Whole = Field(default=20, ge=1, le=MAX_K, examples=[20], description="How many hits.")
    offset: Whole = Field(
        default=0, ge=0, le=MAX_OFFSET, examples=[0], description="How many hits to skip."
    )
    fields: list[FieldName] | None = Field(
        default=None,
        max_length=1000,
        examples=[["title", "price"]],
        description="Product fields that the hits carry; all by default.",
    )
    filter: dict[str, Any] | None = Field(
        default=None,
        examples=[{"base_colour": "Red", "price": {"gte": 10, "lt": 50}}],
        description="Conditions on product fields that every hit meets: a value, a list of values, "
        "or an object of gt, gte, lt, lte, prefix, exists, in, not; "
        '"and", "or" and "not" combine filters.',
    )
    mode: SearchMode = Field(
        default=SearchMode.VECTOR,
        examples=["hybrid"],
        description="What decides about the order of hits: the vector of the whole query, the "
        "words of its texts of positive weight, or both.",
    )
    keyword_weight: Number = Field(
        default=KEYWORD_WEIGHT,
        ge=0,
        le=1,
        examples=[KEYWORD_WEIGHT],
        description="The words' share in hybrid mode; the rest is the vector's.",
    )
    fusion: Fusion = Field(
        default=Fusion.SCORES,
        examples=["scores"],
        description="How hybrid mode puts the two together: by their scores, or by ranks alone "
        "(reciprocal rank fusion).",
    )
    facets: list[str] = Field(
        default=[],
        max_length=_MAX_FACETS,
        examples=[["base_colour"]],
        description="Fields whose values are counted over all products that pass the filter.",
    )
    tags: bool = Field(
        default=False,
        strict=True,
        examples=[True],
        description="Tag the query's pictures and liked products: what they show, group by group "
        "of the index's taxonomy, or of the built-in one. Words alone get no tags.",
    )
    min_confidence: Number = Field(
        default=0.0,
        ge=0,
        le=1,
        examples=[0.5],
        description="Hits of less confidence are left out: with 0.5, a query that the catalog has "
        "no answer to gets no hits. k and offset count what is left.",
    )
    diversity: Number = Field(
        default=0.0,
        ge=0,
        le=1,
        examples=[0.0],
        description="How much hits that resemble those before them are pushed down: 0 not at all, "
        "1 most.",
    )
    group: Group = Field(
        default=False,
        examples=[True, "style_id"],
        description="True: products whose pictures are nearly the same come as one hit, the best "
        "of them. A field's name: products with the same value of that field do. k and offset "
        "count the groups.",
    )

    explain: bool = Field(
        default=False,
        examples=[True],
        description="Each hit comes with the tags and colours that it shares with the query, and "
        "with the path of a heat map.",
    )
    colour: ColourText | None = Field(
        default=None,
        examples=["#7b1e3a", "navy blue"],
        description="A colour that hits are to have, as #rrggbb or by its name; those nearest to "
        "it come first. Alone, products of that colour are searched for.",
    )
    colour_within: Number | None = Field(
        default=None,
        gt=0,
        le=100,
        examples=[12],
        description="Only products with a colour that differs from it by so much at most are hits "
        "(CIEDE2000: 1 is just seen, 10 is another shade).",
    )
    colour_share: Number = Field(
        default=0.2,
        gt=0,
        le=1,
        examples=[0.2],
        description="With colour_within: how much of the product must have the colour.",
    )
    colour_weight: Number | None = Field(
        default=None,
        ge=0,
        le=1,
        examples=[0.5],
        description="How much nearness to the colour counts for the order of hits, 0 to 1; by "
        "default half, or with colour_within not at all.",
    )

    @model_validator(mode="after")
    def _region_of_a_picture(self) -> Self:
        if self.region is not None:
            left, top, right, bottom = self.region
            if left >= right or top >= bottom:
                raise ValueError("region: give left, top, right and bottom, in this order")
        return self


class RecommendRequest(_Request):
    """Products to go by: what a shopper liked, and what not."""

    liked: list[ProductId] = Field(
        min_length=1,
        max_length=_MAX_SEEDS,
        examples=[["15970", "39386"]],
        description="Ids of products that are liked; neither these nor the disliked are hits.",
    )
    disliked: list[ProductId] = Field(
        default=[],
        max_length=_MAX_SEEDS,
        examples=[["59263"]],
        description="Ids of products to keep away from.",
    )
    k: Whole = Field(default=20, ge=1, le=MAX_K, examples=[20], description="How many hits.")
    filter: dict[str, Any] | None = Field(
        default=None,
        examples=[{"price": {"lt": 50}}],
        description="Conditions that every hit meets, as in a search.",
    )
    fields: list[FieldName] | None = Field(
        default=None,
        max_length=1000,
        examples=[["title", "price"]],
        description="Product fields that the hits carry; all by default.",
    )
    diversity: Number = Field(
        default=0.0, ge=0, le=1, examples=[0.2], description="As in a search."
    )


class TagResponse(BaseModel):
    """A label given to a picture."""

    label: str = Field(examples=["dress"])
    group: str = Field(
        examples=["type"], description="Of a taxonomy; label for the caller's own labels."
    )
    confidence: float = Field(
        examples=[0.97],
        description="Probability that it is right, 0 to 1; of the caller's labels, among these.",
    )

    @classmethod
    def of(cls, tag: Tag) -> Self:
        """The answer's tag for a classifier's."""
        return cls(label=tag.label, group=tag.group, confidence=round(tag.confidence, 4))


class SharedColourResponse(BaseModel):
    """A colour that a hit has, and the query has or names too."""

    name: str = Field(examples=["navy blue"])
    colour: str = Field(examples=["#1f2a4d"], description="The hit's own shade of it.")
    share: float = Field(examples=[0.62], description="What part of the product has it, 0 to 1.")


class ExplanationResponse(BaseModel):
    """Why a hit matched."""

    tags: dict[str, list[str]] = Field(
        examples=[{"type": ["dress"]}],
        description="Labels by group: those stored with the hit that the query's pictures (where "
        "tags is true), products or words have too.",
    )
    colours: list[SharedColourResponse] = Field(description="The greatest share first.")
    heatmap: str = Field(
        examples=["/v1/items/15970/heatmap?image=0&q=red%20dress"],
        description="A PNG of the picture's regions that carried the match: GET it; or POST the "
        "same query there where it has a picture or parts.",
    )

    @classmethod
    def of(cls, explanation: Explanation, heatmap: str) -> Self:
        """The answer's explanation for an engine's."""
        tags: dict[str, list[str]] = {}
        for group, label in explanation.tags:
            tags.setdefault(group, []).append(label)
        colours = [
            SharedColourResponse(name=one.name, colour=one.colour, share=round(one.share, 3))
            for one in explanation.colours
        ]
        return cls(tags=tags, colours=colours, heatmap=heatmap)


class Hit(BaseModel):
    """A product found."""

    id: str = Field(examples=["15970"])
    score: float = Field(examples=[0.31], description="Cosine to the query, -1 to 1.")
    confidence: float | None = Field(
        default=None,
        examples=[0.92],
        description="Probability that this is what was asked for, 0 to 1; null where an older "
        "version built the index.",
    )
    image: str = Field(
        examples=["/v1/items/15970/image/0"], description="The product's best matching picture."
    )
    fields: dict[str, ShownValue] = Field(examples=[{"title": "Red Cotton Dress", "price": 39.9}])
    grouped: list[str] = Field(
        default=[],
        examples=[["15971"]],
        description="Ids of other products that this hit stands for, where grouping was asked for; "
        "of very large groups, those found first.",
    )
    explanation: ExplanationResponse | None = Field(
        default=None, description="Why it matched, where that was asked for."
    )

    @classmethod
    def of(cls, match: Match, explanation: ExplanationResponse | None = None) -> Self:
        """The hit for an engine's match."""
        image = image_path(match.id, match.image)
        return cls(
            id=match.id,
            score=round(match.score, 6),
            confidence=None if match.confidence is None else round(match.confidence, 4),
            image=image,
            fields=match.fields,
            grouped=list(match.grouped),
            explanation=explanation,
        )


class SearchResponse(BaseModel):
    """The hits, best first."""

    hits: list[Hit] = Field(description="The products, best first: in vector mode, nearest.")
    total: int = Field(examples=[20], description="Number of hits in this answer.")
    facets: dict[str, list[tuple[FieldValue, int]]] = Field(
        default={},
        examples=[{"base_colour": [["Red", 41]]}],
        description="For each facet asked for, its values and their counts, most frequent first.",
    )
    tags: list[TagResponse] = Field(
        default=[],
        examples=[[{"label": "dress", "group": "type", "confidence": 0.97}]],
        description="Tags of the query's pictures and liked products, where asked for.",
    )
    generation: int = Field(examples=[7], description="The index generation that answered.")
    model: str = Field(examples=["compact"])
    took_ms: float = Field(examples=[6.1])

    @classmethod
    def of(cls, result: SearchResult, query: Query | None = None) -> Self:
        """The answer for an engine's result; of the query if its hits are explained."""
        return cls(
            hits=_hits(result, query),
            total=len(result.hits),
            facets={name: list(counts) for name, counts in result.facets.items()},
            generation=result.generation,
            model=result.model,
            took_ms=round(result.took_ms, 2),
            tags=[TagResponse.of(tag) for tag in result.tags],
        )


# Looked into one by one: what is wrong with one query is told as its result.
_AnyQuery = Annotated[Any, WithJsonSchema({"$ref": "#/components/schemas/SearchRequest"})]


class BatchRequest(_Request):
    """Many searches, each as for a search of its own; their pictures by URL or in base64."""

    queries: list[_AnyQuery] = Field(
        min_length=1, max_length=_MAX_QUERIES, examples=[[{"text": "red dress"}, {"like": ["7"]}]]
    )


class BatchError(BaseModel):
    """What is wrong with one query of several."""

    code: str = Field(examples=["invalid_request"])
    message: str = Field(examples=["k: Input should be less than or equal to 1000."])


class BatchResult(BaseModel):
    """What came of one query: an answer or an error."""

    status: int = Field(
        examples=[200], description="The status that the query would get in a request of its own."
    )
    answer: SearchResponse | None = Field(default=None, description="Null where it failed.")
    error: BatchError | None = Field(default=None, description="Null where it was answered.")


class BatchResponse(BaseModel):
    """What came of each query."""

    results: list[BatchResult] = Field(description="In the order of the queries.")
    took_ms: float = Field(examples=[31.5])


class TagsRequest(_Request):
    """A picture, or up to 32, to tag by taxonomies, with the caller's labels, or both."""

    image_base64: str | list[str] | None = Field(
        default=None,
        description="A picture's bytes in base64, instead of an uploaded file; a list for several.",
    )
    image_url: Url | list[Url] | None = Field(
        default=None,
        examples=["https://shop.example/dress.jpg"],
        description="A picture's URL, where the service fetches any; a list for several.",
    )
    labels: list[Label] = Field(
        default=[],
        max_length=_MAX_LABELS,
        examples=[["dress", "shirt", "shoes"]],
        description="The caller's own, of which one is taken to be true; their group is label.",
    )
    taxonomies: list[FieldName] = Field(
        default=[],
        max_length=_MAX_TAXONOMIES,
        examples=[["retail"]],
        description="Names of taxonomies, built in or the service's own. Of their labels come "
        "those alone that are sure enough.",
    )
    groups: list[FieldName] | None = Field(
        default=None,
        max_length=_MAX_NAME,
        examples=[["type", "colour"]],
        description="The groups of the taxonomies that are wanted; all by default.",
    )
    top: Whole = Field(
        default=5, ge=1, le=_MAX_LABELS, examples=[5], description="Labels of each group at most."
    )

    @model_validator(mode="after")
    def _something_to_tag_with(self) -> Self:
        if not self.labels and not self.taxonomies:
            raise ValueError("labels: give labels, taxonomies or both")
        for name in ("image_base64", "image_url"):
            given = getattr(self, name)
            if isinstance(given, list) and not 1 <= len(given) <= MAX_PICTURES:
                raise ValueError(f"{name}: give 1 to {MAX_PICTURES} pictures")
        return self


class TagsResult(BaseModel):
    """What came of one picture of several: tags or an error."""

    status: int = Field(
        examples=[200], description="The status that the picture would get in a request of its own."
    )
    tags: list[TagResponse] = Field(default=[], description="As for a picture alone.")
    error: BatchError | None = Field(default=None, description="Null where it was tagged.")


class TagsResponse(BaseModel):
    """The tags of one picture, or of each of several."""

    tags: list[TagResponse] | None = Field(
        default=None,
        description="Of a picture alone: group by group, in each the most probable first. A group "
        "without a label says that the model does not know. Not there where several were sent.",
    )
    results: list[TagsResult] | None = Field(
        default=None,
        description="Where several pictures were sent: what came of each, in their order.",
    )
    model: str = Field(examples=["compact"])
    took_ms: float = Field(examples=[9.8])


class ItemResponse(BaseModel):
    """One product."""

    id: str = Field(examples=["15970"])
    fields: dict[str, ShownValue] = Field(examples=[{"title": "Red Cotton Dress"}])
    images: list[str] = Field(examples=[["/v1/items/15970/image/0"]])

    @classmethod
    def of(cls, product: Product) -> Self:
        """The answer for an index's product."""
        images = [image_path(product.id, number) for number in range(len(product.images))]
        return cls(id=product.id, fields=product.fields, images=images)


class IndexResponse(BaseModel):
    """What the service serves."""

    generation: int = Field(examples=[7])
    created: str = Field(examples=["2026-11-23T20:15:00+00:00"])
    catalog: str = Field(examples=["catalog.csv"])
    products: int = Field(examples=[9000])
    images: int = Field(examples=[9000])
    model: str = Field(examples=["compact"])
    fingerprint: str = Field(examples=["0f3a…"])
    dim: int = Field(examples=[256])
    kind: str = Field(examples=["flat"])
    recall: dict[str, float] = Field(
        description="Recall@10 against exact search, by kind of query, as measured at build time.",
        examples=[{"image": 0.991, "text": 0.984}],
    )
    fields: dict[str, str] = Field(
        examples=[{"title": "text", "price": "float"}],
        description="What can be filtered, and its type.",
    )
    modes: list[SearchMode] = Field(
        examples=[["vector", "keyword", "hybrid"]],
        description="How it can be searched; an index of an older version has no keywords.",
    )

    @classmethod
    def of(cls, engine: Engine) -> Self:
        """The answer for an engine's index."""
        manifest = engine.index.manifest
        return cls(
            generation=manifest.generation,
            created=manifest.created,
            catalog=manifest.catalog,
            products=manifest.products,
            images=manifest.images,
            model=manifest.encoder.name,
            fingerprint=manifest.encoder.fingerprint,
            dim=manifest.encoder.dim,
            kind=index_kind(manifest),
            recall=index_recall(manifest),
            fields=manifest.columns,
            modes=list(SearchMode) if engine.index.has_keywords else [SearchMode.VECTOR],
        )


class HealthResponse(BaseModel):
    """The service's state."""

    status: str = Field(examples=["ok"])


class ErrorResponse(BaseModel):
    """What went wrong, and what to do about it."""

    code: str = Field(examples=["broken_image"])
    message: str = Field(examples=["The picture is cut short; upload it again."])
    request_id: str = Field(examples=["4f1c2a9be0d34c7a"])


def _hits(result: SearchResult, query: Query | None) -> list[Hit]:
    if query is None or not query.explain:
        return [Hit.of(match) for match in result.hits]
    return [
        Hit.of(match, ExplanationResponse.of(why, heat_path(match.id, match.image, query)))
        for match, why in zip(result.hits, result.explanations, strict=True)
    ]


def heat_path(product_id: str, number: int, query: Query) -> str:
    """The route of a picture's heat map, with the words and products of a query."""
    parameters: list[tuple[str, str | int]] = [("image", number)]
    for part in query.parts:
        if isinstance(part, TextPart):
            parameters.append(("q", part.text))
        elif isinstance(part, LikePart):
            parameters.append(("like", part.id))
    path = f"/v1/items/{quote(product_id, safe='')}/heatmap"
    return f"{path}?{urlencode(parameters, quote_via=quote)}"


def image_path(product_id: str, number: int) -> str:
    """The route of a product's picture."""
    return f"/v1/items/{quote(product_id, safe='')}/image/{number}"
