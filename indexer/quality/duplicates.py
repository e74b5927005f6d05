"""Near-duplicates: groups of pictures, across products, that are the same picture.

Copies of a file are found by their content's SHA-256. Pictures that were saved anew, scaled,
cropped by a few percent or mirrored are found among each picture's nearest by vector, and confirmed
on the stored thumbnails (`indexer.quality.same_image`); without thumbnails, vectors alone decide.

Groups are stars: every member resembles the group's first picture itself. Resemblance that is only
passed on from one picture to the next never joins two, so that a row of shots, each a little unlike
the one before, does not become one group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from os import cpu_count

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.catalog import title_field
from indexer.index import ImageScan, ImageTable, Index, Progress, open_thumbnail, scan_images
from indexer.quality.duplicate_candidates import Alignment, alike_when_small, near_by_vector
from indexer.quality.same_image import UNALTERED_CUT, compare

__all__ = [
    "BLANK_SPREAD",
    "DuplicateGroup",
    "DuplicateMember",
    "DuplicateReport",
    "Likeness",
    "find_duplicates",
]

BLANK_SPREAD = 12.0
"""A picture whose `ImageScan.spread` is below shows nothing that could be compared."""

# Of `Difference.amount`; set on planted copies of 60 x 80 pictures (docs/duplicates.md).
_MAX_AMOUNT = 1.15
# Without pixels: cosines from which pictures are taken for one another.
_SAME_COSINE = 0.99
_OPENED = 4096
_BATCH = 4096


class Likeness(StrEnum):
    """How alike two pictures are; every level takes in those before it.

    EXACT: the same file, byte for byte. SAME: the same picture and framing, saved anew or scaled.
    SIMILAR: the same picture cropped by up to a tenth of a side, or mirrored.
    """

    EXACT = "exact"
    SAME = "same"
    SIMILAR = "similar"

    @property
    def words(self) -> str:
        """In plain words."""
        return _WORDS[self]

    @property
    def rank(self) -> int:
        """0 for the most alike."""
        return list(Likeness).index(self)


_WORDS = {
    Likeness.EXACT: "same file",
    Likeness.SAME: "same picture",
    Likeness.SIMILAR: "nearly the same",
}


@dataclass(frozen=True)
class DuplicateMember:
    """A picture of a group.

    Attributes:
        id: Its product.
        title: The product's title; empty where the catalog has none.
        picture: Which of the product's pictures it is, from 0.
        location: Where it came from; empty for bytes in Parquet.
        likeness: How alike it is to the group's first picture; EXACT for that itself.
        similarity: The same as a number: 1 for the same pixels, down to 0.88 for the least
            that is listed; without thumbnails, the cosine.
        mirrored: It is the first picture turned left to right.
        cropped: It shows a part of the first picture, or the first a part of it.
    """

    id: str
    title: str
    picture: int
    location: str
    likeness: Likeness
    similarity: float
    mirrored: bool = False
    cropped: bool = False


@dataclass(frozen=True)
class DuplicateGroup:
    """Pictures of two products or more that are the same picture.

    Attributes:
        likeness: The least among the members.
        products: How many products have a part in it.
        members: The picture that most others resemble first, then the others, most alike first.
    """

    likeness: Likeness
    products: int
    members: tuple[DuplicateMember, ...]


@dataclass(frozen=True)
class DuplicateReport:
    """What was found.

    Attributes:
        level: The least likeness that was asked for.
        products: Products looked at.
        pictures: Pictures looked at.
        by_pixels: False where the index keeps no thumbnails, and vectors alone decided.
        groups: The most alike first, and of these the largest.
    """

    level: Likeness
    products: int
    pictures: int
    by_pixels: bool
    groups: tuple[DuplicateGroup, ...]


@dataclass(frozen=True)
class _Bond:
    """What joins two pictures."""

    likeness: Likeness
    similarity: float
    mirrored: bool = False
    cropped: bool = False


_SELF = _Bond(Likeness.EXACT, 1.0)
_Bonds = Mapping[int, Mapping[int, _Bond]]


def find_duplicates(
    index: Index,
    level: Likeness = Likeness.SIMILAR,
    *,
    table: ImageTable | None = None,
    scan: ImageScan | None = None,
    on_progress: Progress = lambda what, done, total: None,
) -> DuplicateReport:
    """Find the groups of pictures that are the same picture, across products.

    Blank pictures (below `BLANK_SPREAD`) are grouped only with copies of the same file.

    Args:
        index: Where to look.
        level: The least likeness that joins.
        table: The index's pictures, where the caller has them.
        scan: What `scan_images` tells of them, where the caller has it.
        on_progress: Called now and then.
    """
    table = table or ImageTable(index)
    copies = _by_content(table)
    bonds: _Bonds = {}
    by_pixels = True
    if level is not Likeness.EXACT:
        scan = scan or scan_images(table, on_progress)
        by_pixels = bool(scan.seen.any())
        originals = np.array(sorted(copies), np.int64)
        if by_pixels:
            worth = scan.seen[originals] & (scan.spread[originals] >= BLANK_SPREAD)
            bonds = _by_pixels(table, scan, originals[worth], level, on_progress)
        else:
            bonds = _by_vectors(table, originals, on_progress)
    groups = [group for star in _stars(copies, bonds) if (group := _group(table, star)) is not None]
    groups.sort(key=lambda group: (group.likeness.rank, -len(group.members), group.members[0].id))
    return DuplicateReport(level, table.products, len(table), by_pixels, tuple(groups))


def _by_content(table: ImageTable) -> dict[int, list[int]]:
    """The pictures that share a content, by the first of them; most are alone."""
    first: dict[bytes, int] = {}
    copies: dict[int, list[int]] = {}
    for picture in range(len(table)):
        original = first.setdefault(table.content(picture), picture)
        copies.setdefault(original, []).append(picture)
    return copies


def _by_vectors(table: ImageTable, originals: NDArray[np.int64], on_progress: Progress) -> _Bonds:
    pairs, cosines = near_by_vector(table, originals, on_progress, min_cosine=_SAME_COSINE)
    bonds: dict[int, dict[int, _Bond]] = defaultdict(dict)
    for (first, second), cosine in zip(pairs.tolist(), cosines.tolist(), strict=True):
        bond = _Bond(Likeness.SAME, min(1.0, cosine))
        bonds[first][second] = bonds[second][first] = bond
    return bonds


def _by_pixels(
    table: ImageTable,
    scan: ImageScan,
    originals: NDArray[np.int64],
    level: Likeness,
    on_progress: Progress,
) -> _Bonds:
    pairs, _ = near_by_vector(table, originals, on_progress)
    found = list(alike_when_small(scan.grey, pairs))
    # Neighbouring pairs share a picture, which is then decoded once.
    found.sort(key=lambda alignment: (alignment.whole, alignment.part))

    @lru_cache(maxsize=_OPENED)
    def opened(picture: int) -> Image.Image:
        return open_thumbnail(table.thumbnail(picture))

    def bond(alignment: Alignment) -> _Bond | None:
        difference = compare(
            opened(alignment.whole),
            opened(alignment.part),
            alignment.window,
            mirrored=alignment.mirrored,
        )
        if difference.amount > _MAX_AMOUNT:
            return None
        cropped = difference.cut > UNALTERED_CUT
        changed = cropped or alignment.mirrored
        likeness = Likeness.SIMILAR if changed else Likeness.SAME
        return _Bond(likeness, 1 - difference.amount / 10, alignment.mirrored, cropped)

    bonds: dict[int, dict[int, _Bond]] = defaultdict(dict)
    with ThreadPoolExecutor(cpu_count() or 1) as pool:
        for start in range(0, len(found), _BATCH):
            batch = found[start : start + _BATCH]
            for alignment, joined in zip(batch, pool.map(bond, batch), strict=True):
                if joined is None or joined.likeness.rank > level.rank:
                    continue
                first, second = alignment.whole, alignment.part
                before = bonds[first].get(second)
                if before is None or joined.similarity > before.similarity:
                    bonds[first][second] = bonds[second][first] = joined
            on_progress("Comparing pictures", start + len(batch), len(found))
    return bonds


def _stars(copies: Mapping[int, Sequence[int]], bonds: _Bonds) -> Iterable[list[tuple[int, _Bond]]]:
    """Groups of pictures with what joins each to the first; no picture comes twice."""
    taken: set[int] = set()
    for centre in sorted(bonds, key=lambda original: (-len(bonds[original]), original)):
        if centre in taken:
            continue
        others = [(other, bond) for other, bond in bonds[centre].items() if other not in taken]
        if not others:
            continue
        others.sort(key=lambda other: (other[1].likeness.rank, -other[1].similarity, other[0]))
        star = [(picture, _SELF) for picture in copies[centre]]
        for other, bond in others:
            star += [(picture, bond) for picture in copies[other]]
        taken.update([centre, *(other for other, _ in others)])
        yield star
    for original, pictures in copies.items():
        if original not in taken and len(pictures) > 1:
            yield [(picture, _SELF) for picture in pictures]


def _group(table: ImageTable, star: Sequence[tuple[int, _Bond]]) -> DuplicateGroup | None:
    """A group ready to be shown; None where all pictures belong to one product."""
    products = {int(table.product[picture]) for picture, _ in star}
    if len(products) < 2:
        return None
    name = title_field(table.index.manifest.fields)
    members = []
    for picture, bond in star:
        segment, row = table.locate(picture)
        product = int(segment.image_product[row])
        title = segment.fields(product, (name,)).get(name, "") if name is not None else ""
        members.append(
            DuplicateMember(
                id=segment.product_id(product),
                title=str(title),
                picture=table.position(picture),
                location=segment.location(row),
                likeness=bond.likeness,
                similarity=round(bond.similarity, 4),
                mirrored=bond.mirrored,
                cropped=bond.cropped,
            )
        )
    weakest = max((bond.likeness for _, bond in star), key=lambda likeness: likeness.rank)
    return DuplicateGroup(weakest, len(products), tuple(members))
