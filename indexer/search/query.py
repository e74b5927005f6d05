"""What can be asked of an index, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from PIL import Image

from embeddings import PixelArray, Tag
from indexer.catalog import FieldValue
from indexer.index import Match

__all__ = [
    "KEYWORD_WEIGHT",
    "Explanation",
    "Fusion",
    "ImagePart",
    "LikePart",
    "Query",
    "QueryPart",
    "SearchMode",
    "SearchResult",
    "SharedColour",
    "TextPart",
    "WantedColour",
]

# How much nearness of colour counts where the colour is no filter.
_COLOUR_WEIGHT = 0.5

# The keywords' share in hybrid search: the whole range of the vector then counts for a quarter of
# a word. Chosen on products not held back (docs/performance.md).
KEYWORD_WEIGHT = 0.8


class SearchMode(StrEnum):
    """What decides about the order of hits."""

    VECTOR = "vector"
    KEYWORD = "keyword"
    HYBRID = "hybrid"


class Fusion(StrEnum):
    """How hybrid search puts two rankings together: by their scores, or by ranks alone.

    SCORES is a weighted sum of the words that match and the vector's nearness (Bruch et al. 2023),
    RANKS reciprocal rank fusion (Cormack et al. 2009).
    """

    SCORES = "scores"
    RANKS = "ranks"


@dataclass(frozen=True)
class TextPart:
    """Words; a negative weight pushes away from them."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class ImagePart:
    """An RGB picture, as `embeddings.images.open_image` gives it.

    Attributes:
        image: The picture; it may be a smaller copy where `pixels` are given.
        weight: A negative one pushes away from it.
        pixels: What the encoder's preprocessing made of the picture, where that was done already.
    """

    image: Image.Image
    weight: float = 1.0
    pixels: PixelArray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class LikePart:
    """A product of the index, by id: the mean of its pictures. It is left out of the hits."""

    id: str
    weight: float = 1.0


QueryPart = TextPart | ImagePart | LikePart


@dataclass(frozen=True)
class WantedColour:
    """A colour that hits are to have.

    Attributes:
        colour: `#rrggbb`, `#rgb` or a name (`indexer.colours.names`).
        within: Only products with a colour that differs by so much at most are found (CIEDE2000,
            above 0 to 100; 10 is a shade of it); by default all are.
        share: How much of the product that must be, above 0 to 1; only where `within` is given.
        weight: How much nearness to the colour counts for the order of hits, 0 (not at all) to 1
            (alone); by default half, or not at all where `within` is given.
    """

    colour: str
    within: float | None = None
    share: float = 0.2
    weight: float | None = None

    @property
    def strength(self) -> float:
        """The weight that holds."""
        if self.weight is not None:
            return self.weight
        return _COLOUR_WEIGHT if self.within is None else 0.0


@dataclass(frozen=True)
class Query:
    """A search.

    The query vector is the weighted sum of the parts' unit vectors, scaled to length 1.

    Attributes:
        parts: At least one.
        k: How many hits, from 1.
        offset: How many hits to skip, from 0.
        fields: Which product fields the hits carry; all by default.
        filter: Which products may be found, as JSON values (`parse_filter`); all by default.
        facets: Fields whose values are counted over all products that pass the filter.
        mode: What decides about the order: the vector, the words of the text parts of positive
            weight, or both.
        keyword_weight: The words' share in hybrid search, 0 to 1; the rest is the vector's.
        fusion: How hybrid search puts the two together.
        min_confidence: Hits of less confidence are left out, 0 to 1; 0 leaves none out. Pages are
            counted off from what is left.
        diversity: How much hits that resemble those before them are pushed down, 0 (not at all) to
            1 (`indexer.search.ranking.diversity`).
        group: Whether products whose pictures are nearly the same come as one hit, or the field
            whose value such products share (`ranking.grouping`). `k` and `offset` count groups.
        colour: The colour that hits are to have, if any.
        explain: Whether each hit comes with what it shares with the query.
        tags: Whether what is asked for is tagged: the pictures and products of positive weight,
            together. Words are no picture, and get no tags.
    """

    parts: tuple[QueryPart, ...]
    k: int = 20
    offset: int = 0
    fields: tuple[str, ...] | None = None
    filter: Mapping[str, Any] | None = None
    facets: tuple[str, ...] = ()
    mode: SearchMode = SearchMode.VECTOR
    keyword_weight: float = KEYWORD_WEIGHT
    fusion: Fusion = Fusion.SCORES
    min_confidence: float = 0.0
    diversity: float = 0.0
    group: bool | str = False
    colour: WantedColour | None = None
    explain: bool = False
    tags: bool = False


@dataclass(frozen=True)
class SharedColour:
    """A colour of a hit that the query has or names too.

    Attributes:
        name: What it is called.
        colour: The hit's own shade of it, `#rrggbb`.
        share: What part of the product has it, 0 to 1.
    """

    name: str
    colour: str
    share: float


@dataclass(frozen=True)
class Explanation:
    """What a hit shares with the query.

    Attributes:
        tags: Pairs of group and label.
        colours: The greatest share first.
    """

    tags: tuple[tuple[str, str], ...]
    colours: tuple[SharedColour, ...]


@dataclass(frozen=True)
class SearchResult:
    """The answer to a query.

    Attributes:
        hits: Best first: nearest in vector mode, best matching in the others, unless diversity is
            asked for.
        facets: For each field asked for, its values with their counts, most frequent first.
        generation: The index generation that answered.
        model: The encoder's name.
        took_ms: Milliseconds, embedding the query included.
        tags: What the query's pictures show, where that was asked for: group by group in the
            taxonomy's order, in each the most probable first.
        explanations: What each hit shares with the query, where that was asked for.
    """

    hits: tuple[Match, ...]
    facets: Mapping[str, Sequence[tuple[FieldValue, int]]]
    generation: int
    model: str
    took_ms: float
    tags: tuple[Tag, ...] = ()
    explanations: tuple[Explanation, ...] = ()
