"""What is wrong with a catalog, as far as an index of it can tell: the facts alone."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from embeddings import Encoder
from indexer.catalog import FieldType, title_field
from indexer.index import ImageScan, ImageTable, Index, Progress, scan_images
from indexer.quality.duplicates import BLANK_SPREAD, DuplicateReport, Likeness, find_duplicates
from indexer.quality.title_check import TitleSuspect, check_titles
from indexer.storage import Layout

__all__ = [
    "TINY_SIDE",
    "CatalogHealth",
    "FieldHealth",
    "GroupHealth",
    "PictureFault",
    "RareValue",
    "Refusal",
    "RefusalKind",
    "ValueHealth",
    "examine",
]

TINY_SIDE = 100
"""Pictures whose longest side is below this many pixels are called tiny: less than a postage stamp
on a screen, and less than any model looks at."""

# Products named as examples of a missing value.
_EXAMPLES = 12
_SAMPLE_PICTURES = 4
# A field whose values are counted one by one has at most so many, and on average so many products
# for each.
_MAX_VALUES = 200
_MIN_PRODUCTS_A_VALUE = 5
_SHOWN_VALUES = 24
# A value is rare if at most so many products have it, or this share of them.
_RARE, _RARE_SHARE = 2, 0.0005
# How much more frequent a value must be for a rare one to be a slip of it.
_COMMONER = 10
# Of shorter words one letter makes another word.
_SHORTEST_SLIP = 4


@dataclass(frozen=True)
class Refusal:
    """A catalog row or picture that could not be indexed.

    Attributes:
        line: Where in the catalog.
        id: Its product, where known.
        message: What is wrong and how to mend it.
    """

    line: int
    id: str | None
    message: str


@dataclass(frozen=True)
class RefusalKind:
    """All refusals for one reason, e.g. `image_not_found`."""

    reason: str
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True)
class PictureFault:
    """A picture in which something is wrong by itself.

    Attributes:
        id: Its product.
        title: The product's title; empty where the catalog has none.
        picture: Which of the product's pictures it is, from 0.
        width: Pixels; of the thumbnail where the picture is larger than one.
        height: The same.
    """

    id: str
    title: str
    picture: int
    width: int
    height: int


@dataclass(frozen=True)
class FieldHealth:
    """How well a field is filled.

    Attributes:
        name: The field.
        kind: Its type.
        filled: Products with a value; empty text is none.
        missing: Products without.
        examples: Ids of some without.
    """

    name: str
    kind: str
    filled: int
    missing: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class ValueHealth:
    """A value of a field: how many products have it, and some of their ids."""

    value: str
    products: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class RareValue:
    """A value that hardly any product has.

    Attributes:
        value: The value.
        products: How many have it.
        examples: Their ids.
        meant: A common value that is spelt nearly the same, if there is one.
    """

    value: str
    products: int
    examples: tuple[str, ...]
    meant: str | None


@dataclass(frozen=True)
class GroupHealth:
    """How the products spread over the values of a field that has few.

    Attributes:
        name: The field.
        different: How many values there are.
        values: The most frequent, most frequent first.
        others: Products with a value that is not among these.
        rare: Values that hardly any product has, likely slips of the pen first.
    """

    name: str
    different: int
    values: tuple[ValueHealth, ...]
    others: int
    rare: tuple[RareValue, ...]


@dataclass(frozen=True)
class CatalogHealth:
    """What is wrong with a catalog.

    Attributes:
        catalog: The catalog's name.
        generation: The index generation that was looked at.
        model: The model that judged titles.
        products: Products in the index.
        pictures: Their pictures.
        pictures_seen: Pictures of which the index keeps a thumbnail: the others can't be called
            blank or tiny.
        refused: Rows and pictures that the last build could not use, most frequent reason first.
        blank: Pictures of one colour, or nearly so.
        tiny: Pictures whose longest side is below `TINY_SIDE`, smallest first.
        duplicates: Pictures that several products share.
        title: The field with the titles, or None.
        titled: Products with a title.
        titles: Titles that disagree with their picture, strongest evidence first.
        fields: How well each field is filled, worst first.
        groups: How the products spread over the fields with few values.
        pictures_of_product: How many products have how many pictures, by the latter.
    """

    catalog: str
    generation: int
    model: str
    products: int
    pictures: int
    pictures_seen: int
    refused: tuple[RefusalKind, ...]
    blank: tuple[PictureFault, ...]
    tiny: tuple[PictureFault, ...]
    duplicates: DuplicateReport
    title: str | None
    titled: int
    titles: tuple[TitleSuspect, ...]
    fields: tuple[FieldHealth, ...]
    groups: tuple[GroupHealth, ...]
    pictures_of_product: tuple[tuple[int, int], ...]


def examine(
    index: Index,
    path: Path,
    encoder: Encoder,
    on_progress: Progress = lambda what, done, total: None,
) -> CatalogHealth:
    """Look an index through for what is wrong with its catalog.

    Args:
        index: The generation to look at.
        path: Its folder, where the last build's `quarantine.jsonl` lies.
        encoder: The one that built the index; it reads the titles.
        on_progress: Called now and then.

    Raises:
        EncoderMismatchError: Another encoder built the index.
    """
    index.check_encoder(encoder.spec)
    table = ImageTable(index)
    scan = scan_images(table, on_progress)
    types = {name: FieldType(kind) for name, kind in index.manifest.fields.items()}
    columns = {name: _column(table, name) for name in types}
    name = title_field(types)
    titles: list[str | None] = columns[name].to_pylist() if name is not None else []
    groups, labels = [], {}
    for field, kind in types.items():
        if field != name and kind in (FieldType.TEXT, FieldType.BOOLEAN):
            values = columns[field].to_pylist()
            group = _group(table, field, values)
            if group is not None:
                groups.append(group)
                labels[field] = values
    blank, tiny = _faults(table, scan, titles)
    return CatalogHealth(
        catalog=index.manifest.catalog,
        generation=index.manifest.generation,
        model=encoder.spec.name,
        products=table.products,
        pictures=len(table),
        pictures_seen=int(np.count_nonzero(scan.seen)),
        refused=_refused(path),
        blank=blank,
        tiny=tiny,
        duplicates=find_duplicates(
            index, Likeness.SIMILAR, table=table, scan=scan, on_progress=on_progress
        ),
        title=name,
        titled=sum(1 for title in titles if title),
        titles=tuple(check_titles(table, titles, labels, encoder, on_progress)),
        fields=_fields(table, types, columns),
        groups=tuple(groups),
        pictures_of_product=_pictures_of_product(table),
    )


def _column(table: ImageTable, name: str) -> pa.ChunkedArray:
    """A field's values by product; text without a letter in it counts as none."""
    parts = []
    for segment in table.index.segments:
        column = segment.field_table[name].filter(pa.array(segment.alive))
        if pa.types.is_string(column.type):
            trimmed = pc.utf8_trim_whitespace(column)
            column = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, column.type), column)
        parts += column.chunks
    return pa.chunked_array(parts) if parts else pa.chunked_array([], pa.null())


def _refused(path: Path) -> tuple[RefusalKind, ...]:
    kinds: dict[str, list[Refusal]] = {}
    for row in _quarantine(Layout(path).quarantine):
        kinds.setdefault(row[0], []).append(row[1])
    found = [RefusalKind(reason, tuple(refusals)) for reason, refusals in kinds.items()]
    return tuple(sorted(found, key=lambda kind: -len(kind.refusals)))


def _quarantine(path: Path) -> Iterator[tuple[str, Refusal]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            yield str(row["reason"]), Refusal(row["line"], row["id"], row["message"])


def _faults(
    table: ImageTable, scan: ImageScan, titles: Sequence[str | None]
) -> tuple[tuple[PictureFault, ...], tuple[PictureFault, ...]]:
    """The blank pictures and the tiny ones; a blank one is not called tiny too."""
    longest = scan.size.max(1) if len(scan.size) else np.empty(0, np.uint16)
    blank = scan.seen & (scan.spread < BLANK_SPREAD)
    tiny = scan.seen & ~blank & (longest < TINY_SIDE)
    smallest = np.flatnonzero(tiny)
    smallest = smallest[np.argsort(longest[smallest], kind="stable")]

    def fault(picture: int) -> PictureFault:
        product = int(table.product[picture])
        title = titles[product] if titles else None
        width, height = (int(side) for side in scan.size[picture])
        return PictureFault(
            table.product_id(product), title or "", table.position(picture), width, height
        )

    return (
        tuple(fault(int(picture)) for picture in np.flatnonzero(blank)),
        tuple(fault(int(picture)) for picture in smallest),
    )


def _fields(
    table: ImageTable, types: dict[str, FieldType], columns: dict[str, pa.ChunkedArray]
) -> tuple[FieldHealth, ...]:
    found = []
    for name, kind in types.items():
        empty = np.asarray(columns[name].is_null())
        missing = int(np.count_nonzero(empty))
        examples = _ids(table, np.flatnonzero(empty)[:_EXAMPLES])
        found.append(FieldHealth(name, str(kind), table.products - missing, missing, examples))
    return tuple(sorted(found, key=lambda field: -field.missing))


def _group(table: ImageTable, name: str, values: Sequence[object]) -> GroupHealth | None:
    """How products spread over a field; None for a field with too many values, or none."""
    places: dict[str, list[int]] = {}
    for product, value in enumerate(values):
        if value is None:
            continue
        places.setdefault(str(value), []).append(product)
        if len(places) > _MAX_VALUES:
            return None
    filled = sum(map(len, places.values()))
    if not places or filled < _MIN_PRODUCTS_A_VALUE * len(places):
        return None
    common = sorted(places, key=lambda value: -len(places[value]))
    shown = common[:_SHOWN_VALUES]
    return GroupHealth(
        name=name,
        different=len(places),
        values=tuple(
            ValueHealth(
                value, len(places[value]), _ids(table, _spread(places[value], _SAMPLE_PICTURES))
            )
            for value in shown
        ),
        others=filled - sum(len(places[value]) for value in shown),
        rare=_rare_values(places, filled, lambda products: _ids(table, products[:_EXAMPLES])),
    )


def _rare_values(
    places: dict[str, list[int]], filled: int, ids: Callable[[list[int]], tuple[str, ...]]
) -> tuple[RareValue, ...]:
    most = max(_RARE, int(_RARE_SHARE * filled))
    rare = []
    for value, products in places.items():
        if len(products) > most:
            continue
        commoner = (other for other in places if len(places[other]) >= _COMMONER * len(products))
        meant = next((other for other in commoner if _is_slip(value, other)), None)
        rare.append(RareValue(value, len(products), ids(products), meant))
    return tuple(sorted(rare, key=lambda value: (value.meant is None, value.products)))


def _is_slip(value: str, meant: str) -> bool:
    """Whether two spellings differ by one letter, by two that changed places, or in case only."""
    value, meant = value.casefold().strip(), meant.casefold().strip()
    if value == meant:
        return True
    if min(len(value), len(meant)) < _SHORTEST_SLIP or abs(len(value) - len(meant)) > 1:
        return False
    changes = difflib.SequenceMatcher(None, value, meant, autojunk=False).get_opcodes()
    changed = [change for change in changes if change[0] != "equal"]
    letters = sum(max(change[2] - change[1], change[4] - change[3]) for change in changed)
    return letters <= 1 or (letters == 2 and sorted(value) == sorted(meant))


def _spread(products: list[int], count: int) -> list[int]:
    """Some from all over a list."""
    return products[:: max(1, len(products) // count)][:count]


def _ids(table: ImageTable, products: Sequence[int] | NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(table.product_id(int(product)) for product in products)


def _pictures_of_product(table: ImageTable) -> tuple[tuple[int, int], ...]:
    counts = np.bincount(table.product, minlength=table.products)
    numbers, products = np.unique(counts, return_counts=True)
    return tuple(zip(numbers.tolist(), products.tolist(), strict=True))
