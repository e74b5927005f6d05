"""Queries and search results: what a caller asks of an index, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from PIL import Image

from embeddings import PixelArray, Tag
from indexer.catalog import Scalar
from indexer.colours import ColourPoint
from indexer.index import Match
from indexer.search.understanding import Parse, Understood, has_negation, read_negation

__all__ = [
    "KEYWORD_WEIGHT",
    "Boost",
    "BoostFunction",
    "Choice",
    "ColourPart",
    "Explanation",
    "Fusion",
    "ImagePart",
    "LikePart",
    "MatchedLine",
    "Query",
    "QueryPart",
    "SearchMode",
    "SearchResult",
    "SharedColour",
    "SortKey",
    "TextPart",
    "VectorPart",
    "WantedColour",
]

# How much colour similarity counts where the colour is not used as a filter.
_COLOUR_WEIGHT = 0.5

KEYWORD_WEIGHT = 0.8
"""The keywords' share in hybrid search. The whole range of the vector then counts for a quarter of
a word. Chosen on products that were not held back (docs/performance.md)."""


class SearchMode(StrEnum):
    """What decides the order of hits."""

    VECTOR = "vector"
    KEYWORD = "keyword"
    HYBRID = "hybrid"


class Fusion(StrEnum):
    """How hybrid search fuses the keyword and the vector ranking: by scores, or by ranks alone.

    SCORES is a weighted sum of matching words and vector similarity (Bruch et al. 2023).
    RANKS is reciprocal rank fusion (Cormack et al. 2009).
    """

    SCORES = "scores"
    RANKS = "ranks"


# What excluded words weigh against a text of weight 1, as on the page.
_PUSH = -0.5
# A text for "anything but that".
_ANYTHING = "product"


@dataclass(frozen=True)
class TextPart:
    """A text; a negative weight pushes away from it."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class ImagePart:
    """An RGB image, as `embeddings.images.open_image` gives it.

    Attributes:
        image: The image; it may be a smaller copy where `pixels` are given.
        weight: A negative weight pushes away from it.
        pixels: The image after the encoder's preprocessing, if that is already done.
    """

    image: Image.Image
    weight: float = 1.0
    pixels: PixelArray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class LikePart:
    """A product of the index, by id: the mean of its images. It is left out of the hits."""

    id: str
    weight: float = 1.0


@dataclass(frozen=True)
class VectorPart:
    """A vector of the index's own space, such as `Engine.embed_each` gives; any length but 0."""

    vector: tuple[float, ...] = field(repr=False)
    weight: float = 1.0


QueryPart = TextPart | ImagePart | LikePart | VectorPart


@dataclass(frozen=True)
class WantedColour:
    """A colour that hits should have.

    Attributes:
        colour: `#rrggbb`, `#rgb` or a name (`indexer.colours.points`).
        within: The greatest difference (CIEDE2000, above 0 to 100; 10 is a shade of it) of a
            product's colour from this one; by default all products are found.
        share: The least share of the product in that colour, above 0 to 1; used with `within`.
        weight: How much colour similarity counts for the order of hits, 0 (not at all) to 1
            (alone); by default 0.5, or 0 where `within` is given. In a query without parts it
            always decides alone.
    """

    colour: str
    within: float | None = None
    share: float = 0.2
    weight: float | None = None

    @property
    def effective_weight(self) -> float:
        """The weight, or its default."""
        if self.weight is not None:
            return self.weight
        return _COLOUR_WEIGHT if self.within is None else 0.0


@dataclass(frozen=True)
class ColourPart:
    """One more colour that hits should have, or should not have.

    Attributes:
        colour: `#rrggbb`, `#rgb` or a name (`indexer.colours.points`).
        weight: How much it counts beside the rest of the query; a negative weight pushes away.
    """

    colour: str
    weight: float = 1.0


@dataclass(frozen=True)
class SortKey:
    """A field to sort hits by."""

    field: str
    descending: bool = False


class BoostFunction(StrEnum):
    """What a boost makes of a field's value before it is scaled to 0 to 1 over the candidates."""

    LINEAR = "linear"
    LOG = "log"


@dataclass(frozen=True)
class Boost:
    """A field whose greater values move hits up, or down with a negative weight.

    Attributes:
        field: A field of numbers, dates or booleans.
        function: LOG for values of many sizes, such as a stock.
        weight: -1 to 1; 1 makes the greatest value count twice as much as none.
    """

    field: str
    function: BoostFunction = BoostFunction.LINEAR
    weight: float = 0.2


Choice = str | Mapping[str, Any]
"""Products that a shop chooses: one by its id, or all that pass a filter."""


@dataclass(frozen=True)
class Query:
    """A search.

    The query vector is the weighted sum of the parts' unit vectors, scaled to length 1. A query of
    a colour alone has none.

    Attributes:
        parts: What hits should be like; none for a colour alone, or to list all products that pass
            the filter, in the catalog's order.
        k: Number of hits, from 1.
        offset: Number of hits to skip, from 0.
        fields: Which product fields the hits carry; all by default.
        filter: Which products may be found, as JSON values (`parse_filter`); all by default.
        facets: Fields whose values are counted over the products that match; each as if the filter
            had no condition on it.
        mode: What decides the order: the vector, the words of the text parts of positive weight,
            or both. By default both where the index has texts (`ranking.defaults`).
        keyword_weight: The keywords' share in hybrid search, 0 to 1; the rest is the vector's.
        fusion: How hybrid search fuses the two rankings.
        min_confidence: Hits of less confidence are dropped, 0 to 1; 0 drops none. Pages are counted
            over the hits that are left.
        diversity: How much hits that resemble those before them are pushed down, 0 (not at all) to
            1 (`indexer.search.ranking.diversity`).
        sort: Fields that decide the order of the products that match; relevance decides ties.
        boost: Fields that move hits up or down, within bounds.
        pin: Products that come first, in this order, if they pass the filter.
        bury: Products that come last.
        group_by: As a field's name in `group`.
        collapse: True makes one hit of the variants of a product, by the field that feeds store
            their group in; a field's name does so by that field.
        group: True groups products whose images are nearly the same into one hit; a field's name
            groups products with the same value (`ranking.grouping`). `k` and `offset` count groups.
        colour: The colour that hits should have, if any.
        colours: More colours that hits should have, or should not have.
        explain: Whether each hit comes with what it shares with the query.
        tags: Whether the query's images and products of positive weight are tagged, together.
        parse: What is done with the words of its texts.
        understood: How its texts were read, once they were (`read`).
    """

    parts: tuple[QueryPart, ...] = ()
    k: int = 20
    offset: int = 0
    fields: tuple[str, ...] | None = None
    filter: Mapping[str, Any] | None = None
    facets: tuple[str, ...] = ()
    mode: SearchMode | None = None
    keyword_weight: float = KEYWORD_WEIGHT
    fusion: Fusion = Fusion.SCORES
    min_confidence: float = 0.0
    diversity: float = 0.0
    group: bool | str = False
    sort: tuple[SortKey, ...] = ()
    boost: tuple[Boost, ...] = ()
    pin: tuple[Choice, ...] = ()
    bury: tuple[Choice, ...] = ()
    group_by: str | None = None
    collapse: bool | str = False
    colour: WantedColour | None = None
    colours: tuple[ColourPart, ...] = ()
    explain: bool = False
    tags: bool = False
    parse: Parse = Parse.SHOW
    understood: Understood | None = None

    def read(self, is_name: Callable[[str, str], bool]) -> Query:
        """Return the query with its texts read: excluded words become parts that push away.

        A query that is read already, or whose `parse` is off, stays as it is.

        Args:
            is_name: As for `read_negation`.
        """
        if self.understood is not None or self.parse is Parse.OFF:
            return self
        parts: list[QueryPart] = []
        kept: list[str] = []
        excluded: list[str] = []
        for part in self.parts:
            if not isinstance(part, TextPart) or part.weight <= 0 or not has_negation(part.text):
                kept += [part.text] if isinstance(part, TextPart) and part.weight > 0 else []
                parts.append(part)
                continue
            reading = read_negation(part.text, is_name)
            kept += [reading.kept] if reading.kept else []
            parts.append(replace(part, text=reading.kept or _ANYTHING))
            # Together they push as one does, so that they never outweigh what is wanted.
            push = _PUSH * part.weight / max(1, len(reading.excluded))
            parts += [TextPart(one, push) for one in reading.excluded]
            excluded += reading.excluded
        if not kept and not excluded:
            return self
        understood = Understood(" ".join(kept), tuple(dict.fromkeys(excluded)))
        return replace(self, parts=tuple(parts), understood=understood)

    @property
    def has_negation(self) -> bool:
        """Whether `read` may find something that is excluded; quick."""
        texts = (part for part in self.parts if isinstance(part, TextPart) and part.weight > 0)
        return self.parse is not Parse.OFF and any(has_negation(part.text) for part in texts)

    @property
    def needs_vector(self) -> bool:
        """Whether its vector decides which hits are found, or how they are described."""
        if not self.parts:
            return False
        return self.mode is not SearchMode.KEYWORD or bool(self.min_confidence) or self.tags

    @property
    def by_colour_alone(self) -> bool:
        """Whether it asks for colours and nothing else."""
        return not self.parts and (self.colour is not None or bool(self.colours))

    @property
    def ordered_by_colour(self) -> bool:
        """Whether colours count for the order of hits."""
        by_colour = self.colour is not None and self.colour.effective_weight > 0
        return by_colour or self.by_colour_alone or any(part.weight for part in self.colours)


@dataclass(frozen=True)
class SharedColour:
    """A colour of a hit that the query also has or names.

    Attributes:
        name: The colour's name.
        colour: The hit's own shade of it, `#rrggbb`.
        share: The share of the product that has it, 0 to 1.
    """

    name: str
    colour: str
    share: float


@dataclass(frozen=True)
class MatchedLine:
    """A line of text in an image that has words of the query.

    Attributes:
        words: Those words, as the query has them.
        text: The line as it was read.
        image: Which of the product's images, from 0.
        box: Where: left, top, right and bottom as fractions of the sides.
    """

    words: tuple[str, ...]
    text: str
    image: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Explanation:
    """What a hit shares with the query.

    Attributes:
        tags: Pairs of group and label.
        colours: The greatest share first.
        words: Lines of text in the hit's images that have words of the query.
    """

    tags: tuple[tuple[str, str], ...]
    colours: tuple[SharedColour, ...]
    words: tuple[MatchedLine, ...] = ()


@dataclass(frozen=True)
class SearchResult:
    """The result of a query.

    Attributes:
        hits: Best first; none where nothing matches.
        total: How many products match (`ranking.matching`).
        exact: Whether that is all of them; else there may be more.
        no_match: Whether nothing matches.
        suggestions: Where nothing matches, the nearest products all the same.
        facets: For each requested field its values with their counts, most frequent first.
        generation: The index generation that answered.
        model: The encoder's name.
        took_ms: Milliseconds, including the time to embed the query.
        tags: The tags of the query's images, if requested: group by group in the taxonomy's order,
            in each the most probable first.
        explanations: What each hit shares with the query, if requested; one for each hit, or where
            nothing matches for each suggestion.
        adapted: Whether the index searches by what it learned from its catalog.
        colour: The point that the query's colour was taken for, if it has one.
        understood: How the query's texts were read; None without texts, or if that is off.
    """

    hits: tuple[Match, ...]
    facets: Mapping[str, Sequence[tuple[Scalar, int]]]
    generation: int
    model: str
    took_ms: float
    total: int = 0
    exact: bool = True
    no_match: bool = False
    suggestions: tuple[Match, ...] = ()
    tags: tuple[Tag, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    adapted: bool = False
    colour: ColourPoint | None = None
    understood: Understood | None = None
