"""Facts about a catalog's quality, as dataclasses.

Their field names are the keys that `lookalike index report --json` prints, where an image is called
a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

from indexer.quality.duplicates import DuplicateReport
from indexer.quality.title_check import TitleSuspect

__all__ = [
    "CatalogHealth",
    "FaceImage",
    "FieldHealth",
    "GroupHealth",
    "ImageFault",
    "RareValue",
    "Refusal",
    "RefusalKind",
    "UnsafeImage",
    "ValueHealth",
]


@dataclass(frozen=True)
class Refusal:
    """A catalog row or an image that could not be indexed.

    Attributes:
        line: Line of the catalog, or row number.
        id: The product's id, if known.
        message: The problem and its remedy.
        column: The column whose value is the problem; None if that is the whole row.
        value: The beginning of that value.
        file: The file that the line is in, where a build read several.
    """

    line: int
    id: str | None
    message: str
    column: str | None = None
    value: str | None = None
    file: str | None = None


@dataclass(frozen=True)
class RefusalKind:
    """All refusals for one reason, such as `image_not_found`."""

    reason: str
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True)
class ImageFault:
    """An image with a fault of its own: blank or tiny.

    Attributes:
        id: Id of its product.
        title: Title of its product; empty if there is none.
        picture: Position among the product's images, from 0.
        width: Width in pixels; the thumbnail's where the image is larger than that.
        height: Height in pixels, likewise.
    """

    id: str
    title: str
    picture: int
    width: int
    height: int


@dataclass(frozen=True)
class FaceImage:
    """An image with faces.

    Attributes:
        id: Id of its product.
        title: Title of its product; empty if there is none.
        picture: Position among the product's images, from 0.
        faces: Number of faces.
        covered: Whether they are blurred in what the index stores.
    """

    id: str
    title: str
    picture: int
    faces: int
    covered: bool


@dataclass(frozen=True)
class UnsafeImage:
    """An image that may not be fit to show.

    Attributes:
        id: Id of its product.
        title: Title of its product; empty if there is none.
        picture: Position among the product's images, from 0.
        score: 0 to 1; the higher, the less it is fit to show.
    """

    id: str
    title: str
    picture: int
    score: float


@dataclass(frozen=True)
class FieldHealth:
    """The fill rate of a field.

    Attributes:
        name: Name of the field.
        kind: Type of the field.
        filled: Number of products with a value; blank text is not a value.
        missing: Number of products without a value.
        examples: Ids of some products without a value.
    """

    name: str
    kind: str
    filled: int
    missing: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class ValueHealth:
    """A value of a field, the number of products with it, and the ids of some of them."""

    value: str
    products: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class RareValue:
    """A value that very few products have.

    Attributes:
        value: The value.
        products: Number of products with it.
        examples: Ids of these products.
        meant: A common value with nearly the same spelling, if there is one.
    """

    value: str
    products: int
    examples: tuple[str, ...]
    meant: str | None


@dataclass(frozen=True)
class GroupHealth:
    """The distribution of the products over the values of a categorical field.

    Attributes:
        name: Name of the field.
        different: Number of distinct values.
        values: The most frequent values, in descending order of frequency.
        others: Number of products with any other value.
        rare: Rare values, likely misspellings first.
    """

    name: str
    different: int
    values: tuple[ValueHealth, ...]
    others: int
    rare: tuple[RareValue, ...]


@dataclass(frozen=True)
class CatalogHealth:
    """All quality problems of a catalog.

    Attributes:
        catalog: Name of the catalog.
        generation: Generation of the index that was examined.
        model: Name of the model that compared titles with images.
        products: Number of products.
        pictures: Number of images.
        pictures_seen: Number of images with a thumbnail; only these can be blank or tiny.
        refused: Rows and images that the last build refused, most frequent reason first.
        blank: Images of a single colour, or nearly so.
        tiny: Images whose longest side is below `TINY_SIDE`, smallest first.
        duplicates: Images that several products share.
        title: Name of the title field, or None.
        titled: Number of products with a title.
        titles: Titles that disagree with their image, strongest evidence first.
        fields: Fill rate of each field, lowest first.
        groups: Distribution over the values of each categorical field.
        pictures_of_product: Pairs of a number of images and the number of products with that many,
            ascending.
        faces: Images with faces, most faces first; None if none were looked for.
        unsafe: Images that may not be fit to show, the highest score first; None if none were
            looked for.
    """

    catalog: str
    generation: int
    model: str
    products: int
    pictures: int
    pictures_seen: int
    refused: tuple[RefusalKind, ...]
    blank: tuple[ImageFault, ...]
    tiny: tuple[ImageFault, ...]
    duplicates: DuplicateReport
    title: str | None
    titled: int
    titles: tuple[TitleSuspect, ...]
    fields: tuple[FieldHealth, ...]
    groups: tuple[GroupHealth, ...]
    pictures_of_product: tuple[tuple[int, int], ...]
    faces: tuple[FaceImage, ...] | None = None
    unsafe: tuple[UnsafeImage, ...] | None = None
