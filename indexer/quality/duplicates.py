"""Near-duplicates: groups of images of several products that are the same image.

Copies of a file have the same SHA-256. Images that were saved again, scaled, cropped by a few
percent or mirrored are found among each image's nearest neighbours by vector, and confirmed on the
stored thumbnails (`indexer.quality.same_image`). Without thumbnails, the vectors alone decide.

Groups are stars: every member resembles the group's first image itself. Resemblance is not
transitive here, so that a series of photos, each a little different from the one before, does not
become one group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from threading import Lock

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray

from embeddings.onnx import processors
from indexer.catalog import title_field
from indexer.index import ImageScan, ImageTable, Index, Progress, open_thumbnail, scan_images
from indexer.quality.duplicate_candidates import Alignment, alike_when_small, near_by_vector
from indexer.quality.same_image import (
    UNALTERED_CUT,
    ComparedImage,
    Difference,
    Pair,
    compare,
)

__all__ = [
    "BLANK_SPREAD",
    "DuplicateGroup",
    "DuplicateMember",
    "DuplicateReport",
    "Likeness",
    "find_duplicates",
]

BLANK_SPREAD = 12.0
"""An image whose `ImageScan.spread` is below this is blank, and not compared by its pixels."""

# Largest `Difference.amount` of a duplicate; set on planted copies of 60 x 80 pixels
# (docs/duplicates.md).
_MAX_AMOUNT = 1.15
# Difference at which the similarity, 1 for equal pixels, would be 0.
_ZERO_SIMILARITY = 10
# Without thumbnails: smallest cosine of a duplicate.
_SAME_COSINE = 0.99
# Pixels of decoded thumbnails kept in memory; each takes 4 bytes, and as many for what is drawn.
_OPENED_PIXELS = 2**25
# Images whose principal axis orders all.
_ORDERED_BY = 2000
# Pairs compared at once, and batches of pairs between two progress reports.
_BATCH, _BATCHES = 256, 16


class Likeness(StrEnum):
    """How alike two images are; each level includes those before it.

    EXACT: the same file, byte for byte. SAME: the same image and framing, saved again or scaled.
    SIMILAR: the same image, cropped by up to a tenth of a side or mirrored.
    """

    EXACT = "exact"
    SAME = "same"
    SIMILAR = "similar"

    @property
    def words(self) -> str:
        """The level in words, for people."""
        return _WORDS[self]

    @property
    def rank(self) -> int:
        """0 for the highest level."""
        return list(Likeness).index(self)


_WORDS = {
    Likeness.EXACT: "same file",
    Likeness.SAME: "same image",
    Likeness.SIMILAR: "nearly the same",
}


@dataclass(frozen=True)
class DuplicateMember:
    """An image of a group.

    Attributes:
        id: Id of its product.
        title: Title of its product; empty if there is none.
        picture: Position among the product's images, from 0.
        location: Path or URL of the image; empty for bytes in Parquet.
        likeness: Likeness to the group's first image; EXACT for that image itself.
        similarity: 1 for equal pixels, down to 0.88 for the least similar member; without
            thumbnails, the cosine.
        mirrored: Whether it is the first image mirrored left to right.
        cropped: Whether it shows a part of the first image, or the first a part of it.
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
    """Images of two products or more that are the same image.

    Attributes:
        likeness: The lowest likeness among the members.
        products: Number of products.
        members: The image that most others resemble, then the others, most alike first.
    """

    likeness: Likeness
    products: int
    members: tuple[DuplicateMember, ...]


@dataclass(frozen=True)
class DuplicateReport:
    """All groups of duplicate images.

    Field names are keys of `lookalike index duplicates --json`.

    Attributes:
        level: The lowest likeness that was searched.
        products: Number of products examined.
        pictures: Number of images examined.
        by_pixels: False if the index has no thumbnails, so that the vectors alone decided.
        groups: The most alike first, and of these the largest.
    """

    level: Likeness
    products: int
    pictures: int
    by_pixels: bool
    groups: tuple[DuplicateGroup, ...]


@dataclass(frozen=True)
class _Bond:
    """The likeness of two images."""

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
    on_progress: Progress = lambda *_: None,
) -> DuplicateReport:
    """Find images of several products that are the same image.

    Blank images (below `BLANK_SPREAD`) are grouped only with copies of the same file.

    Args:
        index: The index to search.
        level: The lowest likeness that joins two images.
        table: The index's images, if the caller has them already.
        scan: The result of `scan_images`, if the caller has it already.
        on_progress: Called from time to time.
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
            comparable = scan.seen[originals] & (scan.spread[originals] >= BLANK_SPREAD)
            bonds = _by_pixels(table, scan, originals[comparable], level, on_progress)
        else:
            bonds = _by_vectors(table, originals, on_progress)
    groups = [group for star in _stars(copies, bonds) if (group := _group(table, star)) is not None]
    groups.sort(key=lambda group: (group.likeness.rank, -len(group.members), group.members[0].id))
    return DuplicateReport(level, table.products, len(table), by_pixels, tuple(groups))


def _by_content(table: ImageTable) -> dict[int, list[int]]:
    """Group images with the same content by the first of them; most groups have one member."""
    first: dict[bytes, int] = {}
    copies: dict[int, list[int]] = {}
    for image, content in enumerate(map(table.content, range(len(table)))):
        copies.setdefault(first.setdefault(content, image), []).append(image)
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
    # Images that look alike follow each other, so that most are decoded once.
    place = _order_by_look(scan.grey)
    found.sort(key=lambda alignment: (place[alignment.whole], place[alignment.part]))
    opened = _OpenedThumbnails(table)
    bonds: dict[int, dict[int, _Bond]] = defaultdict(dict)
    with ThreadPoolExecutor(processors()) as pool:
        for start in range(0, len(found), _BATCHES * _BATCH):
            some = found[start : start + _BATCHES * _BATCH]
            batches = [some[place : place + _BATCH] for place in range(0, len(some), _BATCH)]
            joined = chain.from_iterable(pool.map(lambda batch: _compared(batch, opened), batches))
            for alignment, bond in zip(some, joined, strict=True):
                if bond is None or bond.likeness.rank > level.rank:
                    continue
                first, second = alignment.whole, alignment.part
                before = bonds[first].get(second)
                if before is None or bond.similarity > before.similarity:
                    bonds[first][second] = bonds[second][first] = bond
            on_progress("Comparing images", start + len(some), len(found))
    return bonds


def _order_by_look(grey: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return each image's place in an order where images that look alike are near each other.

    It is the order along the first principal axis of the pixels.
    """
    pixels = grey.reshape(len(grey), -1)
    sample = pixels[:: max(1, len(pixels) // _ORDERED_BY)].astype(np.float32)
    _, _, axes = np.linalg.svd(sample - sample.mean(0), full_matrices=False)
    place = np.empty(len(grey), np.int64)
    place[np.argsort(pixels @ axes[0], kind="stable")] = np.arange(len(grey))
    return place


class _OpenedThumbnails:
    """Decoded thumbnails, the latest of which stay in memory; used by several threads."""

    def __init__(self, table: ImageTable) -> None:
        self._table = table
        self._opened: LRUCache[int, ComparedImage] = LRUCache(
            _OPENED_PIXELS, getsizeof=lambda opened: opened.image.width * opened.image.height
        )
        self._lock = Lock()

    def __getitem__(self, image: int) -> ComparedImage:
        with self._lock:
            found = self._opened.get(image)
        if found is None:
            found = ComparedImage(open_thumbnail(self._table.thumbnail(image)))
            with self._lock:
                self._opened[image] = found
        return found


def _compared(batch: Sequence[Alignment], opened: _OpenedThumbnails) -> list[_Bond | None]:
    """Compare pairs of images; None for those that are not the same image."""
    pairs = [Pair(opened[one.whole], opened[one.part], one.window, one.mirrored) for one in batch]
    return [
        None if difference is None else _bond(alignment, difference)
        for alignment, difference in zip(batch, compare(pairs, _MAX_AMOUNT), strict=True)
    ]


def _bond(alignment: Alignment, difference: Difference) -> _Bond:
    cropped = difference.cut > UNALTERED_CUT
    altered = cropped or alignment.mirrored
    likeness = Likeness.SIMILAR if altered else Likeness.SAME
    similarity = 1 - difference.amount / _ZERO_SIMILARITY
    return _Bond(likeness, similarity, alignment.mirrored, cropped)


def _stars(copies: Mapping[int, Sequence[int]], bonds: _Bonds) -> Iterable[list[tuple[int, _Bond]]]:
    """Yield groups of images, each with its bond to the first; no image is in two groups."""
    grouped: set[int] = set()
    for centre in sorted(bonds, key=lambda original: (-len(bonds[original]), original)):
        if centre in grouped:
            continue
        others = [(other, bond) for other, bond in bonds[centre].items() if other not in grouped]
        if not others:
            continue
        others.sort(key=lambda other: (other[1].likeness.rank, -other[1].similarity, other[0]))
        star = [(image, _SELF) for image in copies[centre]]
        for other, bond in others:
            star += [(image, bond) for image in copies[other]]
        grouped.update([centre, *(other for other, _ in others)])
        yield star
    for original, images in copies.items():
        if original not in grouped and len(images) > 1:
            yield [(image, _SELF) for image in images]


def _group(table: ImageTable, star: Sequence[tuple[int, _Bond]]) -> DuplicateGroup | None:
    """Describe a group; None if all its images belong to one product."""
    products = {int(table.product[image]) for image, _ in star}
    if len(products) == 1:
        return None
    name = title_field(table.index.manifest.fields)
    members = []
    for image, bond in star:
        segment, row = table.locate(image)
        product = int(segment.image_product[row])
        title = segment.fields(product, (name,)).get(name, "") if name is not None else ""
        members.append(
            DuplicateMember(
                id=segment.product_id(product),
                title=str(title),
                picture=table.position(image),
                location=segment.location(row),
                likeness=bond.likeness,
                similarity=round(bond.similarity, 4),
                mirrored=bond.mirrored,
                cropped=bond.cropped,
            )
        )
    weakest = max((bond.likeness for _, bond in star), key=lambda likeness: likeness.rank)
    return DuplicateGroup(weakest, len(products), tuple(members))
