"""Candidate pairs of duplicate images: nearest by vector, similar at 16 x 16 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from indexer.index import SCAN_SIDE, ImageTable, Progress
from indexer.quality.same_image import Window
from indexer.retrieval import BatchSearch

__all__ = ["Alignment", "alike_when_small", "near_by_vector"]

# Nearest neighbours of each image, and their smallest cosine. The original was among the 10 nearest
# of 9,000 images for all 1,600 copies tried, at cosines down to 0.60 (scaled copies of 60 x 80
# pixels).
_NEIGHBOURS = 10
_MIN_COSINE = 0.55
# Images whose neighbours are searched at once.
_QUERIES = 4096

# Crops tried at each edge, as shares of the side: near enough for the alignment to start from.
_CUTS = (0.0, 0.025, 0.05)
# Side of the coarse images that are compared, in pixels.
_COARSE_SIDE = SCAN_SIDE // 2
# Blocks of a coarse image along each side, whose mean levels rule out most pairs.
_BLOCKS = 4
# Images and pairs that are compared by blocks at once: some 100 MB.
_BLOCK_IMAGES, _BLOCK_PAIRS = 4096, 65_536
# Largest root mean square difference of two coarse images, in grey levels; 99.5% of the copies are
# below.
_MAX_COARSE_DIFF = 11.0
# An image that is nearly its own mirror image is tried both ways: the worse way, too, if its mean
# square difference is below this many times the better way's.
_AMBIGUOUS = 4.0
# Another window replaces the best one so far only if its error is below this share of the best
# error, so that noise does not turn a whole image into a cropped one.
_BETTER = 0.98


@dataclass(frozen=True)
class Alignment:
    """Two images that may be the same image, and their relative position.

    Attributes:
        whole: Number of the image that the other may be a part of.
        part: Number of the other image.
        window: Where in `whole` the part is, roughly.
        mirrored: Whether `part` is mirrored left to right.
    """

    whole: int
    part: int
    window: Window
    mirrored: bool


def near_by_vector(
    table: ImageTable,
    images: NDArray[np.int64],
    on_progress: Progress = lambda *_: None,
    *,
    min_cosine: float = _MIN_COSINE,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find pairs of images of which one is among the nearest neighbours of the other.

    Each image is compared with all others of a segment, and in a large one with those in clusters
    near to it, so that the time grows little faster than the number of images.

    Args:
        table: All images.
        images: Numbers of the images to compare, ascending.
        on_progress: Called after each block.
        min_cosine: Pairs with a smaller cosine are left out.

    Returns:
        `[m, 2]` distinct pairs, ascending, with the lower number first; and their cosines.
    """
    firsts, seconds, cosines = [], [], []
    for number, segment in enumerate(table.index.segments):
        others = images[table.segment[images] == number]
        if not len(others):
            continue
        # Not the segment's own FAISS index: titles may be mixed into its vectors.
        search = BatchSearch(segment.vectors, table.row[others])
        for start in range(0, len(images), _QUERIES):
            block = images[start : start + _QUERIES]
            # One of the neighbours may be the image itself.
            places, near = search.search(table.vectors(block), _NEIGHBOURS + 1)
            found = others[places]
            owners = np.broadcast_to(block[:, np.newaxis], found.shape)
            good = (places >= 0) & (near >= min_cosine) & (found != owners)
            firsts.append(np.minimum(owners, found)[good])
            seconds.append(np.maximum(owners, found)[good])
            cosines.append(near[good])
            on_progress("Comparing vectors", min(start + _QUERIES, len(images)), len(images))
    if not firsts:
        return np.empty((0, 2), np.int64), np.empty(0, np.float32)
    # One number for each pair sorts quicker than two.
    pairs, unique = np.unique(
        np.concatenate(firsts) * len(table) + np.concatenate(seconds), return_index=True
    )
    return np.stack(np.divmod(pairs, len(table)), 1), np.concatenate(cosines)[unique]


def alike_when_small(grey: NDArray[np.uint8], pairs: NDArray[np.int64]) -> Iterator[Alignment]:
    """Yield the pairs that look alike as small grey images, also if mirrored or cropped.

    A pair that may be mirrored or not is yielded twice.

    Args:
        grey: `[n, SCAN_SIDE, SCAN_SIDE]`, from `scan_images`.
        pairs: `[m, 2]`, ascending.
    """
    small = _SmallCopies(grey)
    pairs = pairs[small.may_be_alike(pairs)]
    # For each pair, as it is and mirrored: the least error, the crop, and which image is the whole.
    error, window = small.least_errors(pairs[:, 0], pairs[:, 1])
    other_error, other_window = small.least_errors(pairs[:, 1], pairs[:, 0])
    reverse = other_error < _BETTER * error
    error = np.where(reverse, other_error, error)
    window = np.where(reverse, other_window, window)
    limit = np.minimum(_MAX_COARSE_DIFF**2, _AMBIGUOUS * error.min(1, keepdims=True) + 1)
    for pair in np.flatnonzero((error < limit).any(1)).tolist():
        for mirrored in np.argsort(error[pair], kind="stable").tolist():
            if error[pair, mirrored] >= limit[pair, 0]:
                continue
            whole, part = pairs[pair, ::-1] if reverse[pair, mirrored] else pairs[pair]
            crop = _WINDOWS[window[pair, mirrored]]
            yield Alignment(int(whole), int(part), crop, bool(mirrored))


class _SmallCopies:
    """Coarse images, as they are, mirrored and cropped.

    Args:
        grey: `[n, SCAN_SIDE, SCAN_SIDE]`.
    """

    def __init__(self, grey: NDArray[np.uint8]) -> None:
        self._grey = grey
        halves = grey.reshape(-1, _COARSE_SIDE, 2, _COARSE_SIDE, 2)
        self._small = halves.mean((2, 4), np.float32)

    def may_be_alike(self, pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return a mask over the pairs, without those whose error can't be below the limit.

        The mean square difference of two images is at least that of their mean grey levels in each
        of sixteen blocks (Jensen's inequality), and each block of a crop lies between its least and
        its greatest level of all crops.
        """
        low, high = self._block_ranges()
        level = _block_means(self._small)
        alike = np.zeros(len(pairs), np.bool_)
        for start in range(0, len(pairs), _BLOCK_PAIRS):
            block = slice(start, start + _BLOCK_PAIRS)
            for whole, part in (pairs[block].T, pairs[block, ::-1].T):
                for levels in (level[part], level[part][..., ::-1]):
                    beyond = np.maximum(np.maximum(low[whole] - levels, levels - high[whole]), 0)
                    alike[block] |= (beyond * beyond).mean((1, 2)) < _MAX_COARSE_DIFF**2
        return alike

    def _block_ranges(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the least and the greatest level of each block over all crops, `[n, 4, 4]`."""
        spans, count = len(_SPANS), len(self._grey)
        low = np.empty((count, _BLOCKS, _BLOCKS), np.float32)
        high = np.empty_like(low)
        means = _AREAS.reshape(spans, _BLOCKS, -1, SCAN_SIDE).mean(2).reshape(-1, SCAN_SIDE)
        for start in range(0, count, _BLOCK_IMAGES):
            block = slice(start, start + _BLOCK_IMAGES)
            levels = means @ self._grey[block].astype(np.float32) @ means.T
            levels = levels.reshape(-1, spans, _BLOCKS, spans, _BLOCKS)
            low[block], high[block] = levels.min(3).min(1), levels.max(3).max(1)
        return low, high

    def least_errors(
        self, wholes: NDArray[np.int64], parts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Compare parts, as they are and mirrored, with every crop of their wholes.

        Args:
            wholes: `[n]` numbers of images.
            parts: `[n]` numbers of images.

        Returns:
            The least mean square difference of each, and its crop's place in `_WINDOWS`; both
            `[n, 2]`.
        """
        least = np.empty((len(wholes), 2), np.float32)
        window = np.empty((len(wholes), 2), np.int64)
        order = np.argsort(wholes, kind="stable")
        for start in range(0, len(order), _BLOCK_IMAGES):
            block = order[start : start + _BLOCK_IMAGES]
            errors = self._errors(wholes[block], parts[block])
            least[block], window[block] = errors.min(2), errors.argmin(2)
        return least, window

    def _errors(self, wholes: NDArray[np.int64], parts: NDArray[np.int64]) -> NDArray[np.float32]:
        """Mean square differences `[n, 2, windows]`; equal wholes follow each other."""
        spans, cells = len(_SPANS), _COARSE_SIDE * _COARSE_SIDE
        own, first, place = np.unique(wholes, return_index=True, return_inverse=True)
        windows = _AREAS @ self._grey[own].astype(np.float32) @ _AREAS.T
        windows = windows.reshape(-1, spans, _COARSE_SIDE, spans, _COARSE_SIDE)
        windows = windows.transpose(0, 1, 3, 2, 4).reshape(len(own), len(_WINDOWS), cells)
        small = self._small[parts]
        # Two rows for each part: as it is, and mirrored.
        sides = np.stack([small, small[:, :, ::-1]], 1).reshape(-1, cells)
        products = np.empty((len(sides), len(_WINDOWS)), np.float32)
        bounds = [*(2 * first).tolist(), len(sides)]
        for number, (start, stop) in enumerate(pairwise(bounds)):
            np.matmul(sides[start:stop], windows[number].T, out=products[start:stop])
        squares = (sides * sides).sum(-1)[:, np.newaxis]
        squares = squares + np.repeat((windows * windows).sum(-1)[place], 2, axis=0)
        errors = (squares - 2 * products) / cells
        return np.asarray(errors.reshape(-1, 2, len(_WINDOWS)))


def _block_means(small: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean levels of blocks of coarse images, `[n, 4, 4]`."""
    side = _COARSE_SIDE // _BLOCKS
    return np.asarray(small.reshape(-1, _BLOCKS, side, _BLOCKS, side).mean((2, 4)))


def _areas(low: float, high: float) -> NDArray[np.float32]:
    """A matrix `[_COARSE_SIDE, SCAN_SIDE]` that averages over equal parts of a span of a side."""
    edges = np.linspace(low * SCAN_SIDE, high * SCAN_SIDE, _COARSE_SIDE + 1)
    pixels = np.arange(SCAN_SIDE)
    covered = np.minimum(edges[1:, np.newaxis], pixels + 1) - np.maximum(
        edges[:-1, np.newaxis], pixels
    )
    covered = np.maximum(covered, 0)
    return np.asarray(covered / covered.sum(1, keepdims=True), np.float32)


_SPANS = tuple((low, 1 - high) for low in _CUTS for high in _CUTS)
_AREAS = np.concatenate([_areas(low, high) for low, high in _SPANS])
_WINDOWS: tuple[Window, ...] = tuple(
    (left, top, right, bottom) for top, bottom in _SPANS for left, right in _SPANS
)
