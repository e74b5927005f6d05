"""Candidate pairs of duplicate images: nearest by vector, similar at 16 x 16 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.index import SCAN_SIDE, ImageTable, Progress, Segment
from indexer.quality.same_image import Window
from indexer.storage import IndexKind, QueryKind, RowSet

__all__ = ["Alignment", "alike_when_small", "near_by_vector"]

# Nearest neighbours of each image, and their smallest cosine. The original was among the 10 nearest
# of 9,000 images for all 1,600 copies tried, at cosines down to 0.60 (scaled copies of 60 x 80
# pixels).
_NEIGHBOURS = 10
_MIN_COSINE = 0.55
# Vectors compared at once: rows and columns of one block of cosines (64 MiB).
_ROWS, _COLUMNS = 1024, 16_384

# Crops tried at each edge, as shares of the side: near enough for the alignment to start from.
_CUTS = (0.0, 0.025, 0.05)
# Side of the coarse images that are compared, in pixels.
_COARSE_SIDE = SCAN_SIDE // 2
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

    Flat segments are compared block by block, the others through their FAISS index, so that the
    time grows little faster than the number of images.

    Args:
        table: All images.
        images: Numbers of the images to compare, ascending.
        on_progress: Called after each block.
        min_cosine: Pairs with a smaller cosine are left out.

    Returns:
        `[m, 2]` distinct pairs, ascending, with the lower number first; and their cosines.
    """
    firsts, seconds, cosines = [], [], []
    groups = [images[table.segment[images] == n] for n in range(len(table.index.segments))]
    for start in range(0, len(images), _ROWS):
        block = images[start : start + _ROWS]
        vectors = table.vectors(block)
        for segment, others in zip(table.index.segments, groups, strict=True):
            if not len(others):
                continue
            found = _nearest(segment, table.row[others], vectors)
            places, near = others[found[0]], found[1]
            owners = np.broadcast_to(block[:, np.newaxis], places.shape)
            good = (near >= min_cosine) & (places != owners)
            firsts.append(np.minimum(owners, places)[good])
            seconds.append(np.maximum(owners, places)[good])
            cosines.append(near[good])
        on_progress("Comparing vectors", min(start + _ROWS, len(images)), len(images))
    if not firsts:
        return np.empty((0, 2), np.int64), np.empty(0, np.float32)
    pairs = np.stack([np.concatenate(firsts), np.concatenate(seconds)], 1)
    unique, places = np.unique(pairs, axis=0, return_index=True)
    return unique, np.concatenate(cosines)[places]


def _nearest(
    segment: Segment, rows: NDArray[np.int64], vectors: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Find each vector's nearest rows: places in `rows` and cosines, both `[n, k]`."""
    wanted = min(_NEIGHBOURS + 1, len(rows))  # one of them may be the image itself
    # With a text weight, the FAISS index holds other vectors than those of the images.
    if segment.record.neighbours.kind is IndexKind.FLAT or segment.record.text_weight:
        return _nearest_by_blocks(segment, rows, vectors, wanted)
    mask = np.zeros(segment.record.images, np.bool_)
    mask[rows] = True
    allowed = None if mask.all() else RowSet(mask)
    places = np.zeros((len(vectors), wanted), np.int64)
    cosines = np.full((len(vectors), wanted), -1.0, np.float32)
    for n, vector in enumerate(vectors):
        near, found = segment.neighbours.search(vector, wanted, allowed, QueryKind.IMAGE)
        places[n, : len(found)] = np.searchsorted(rows, found)
        cosines[n, : len(near)] = near
    return places, cosines


def _nearest_by_blocks(
    segment: Segment, rows: NDArray[np.int64], vectors: NDArray[np.float32], wanted: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    best = np.full((len(vectors), wanted), -1.0, np.float32)
    places = np.zeros((len(vectors), wanted), np.int64)
    for start in range(0, len(rows), _COLUMNS):
        there = rows[start : start + _COLUMNS]
        scores = vectors @ np.asarray(segment.vectors[there], np.float32).T
        width = min(wanted, len(there))
        top = np.argpartition(-scores, width - 1, axis=1)[:, :width]
        scores = np.concatenate([best, np.take_along_axis(scores, top, 1)], 1)
        merged = np.concatenate([places, top + start], 1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :wanted]
        best = np.take_along_axis(scores, order, 1)
        places = np.take_along_axis(merged, order, 1)
    return places, best


def alike_when_small(grey: NDArray[np.uint8], pairs: NDArray[np.int64]) -> Iterator[Alignment]:
    """Yield the pairs that look alike as small grey images, also if mirrored or cropped.

    A pair that may be mirrored or not is yielded twice.

    Args:
        grey: `[n, SCAN_SIDE, SCAN_SIDE]`, from `scan_images`.
        pairs: `[m, 2]`, ascending.
    """
    both = np.concatenate([pairs, pairs[:, ::-1]])
    number = np.tile(np.arange(len(pairs)), 2)
    order = np.argsort(both[:, 0], kind="stable")
    # For each pair, as it is and mirrored: the least error, and where it was found (whether the
    # second image is the whole, and the window).
    error = np.full((len(pairs), 2), np.inf)
    found = np.zeros((len(pairs), 2, 2), np.int32)
    starts = np.flatnonzero(np.diff(both[order, 0], prepend=-1))
    for run in np.split(order, starts[1:]) if len(order) else ():
        errors = _errors(grey[both[run[0], 0]], grey[both[run, 1]])
        windows = errors.argmin(2)
        least = errors.min(2)
        which = number[run]
        better = least < _BETTER * error[which]
        error[which] = np.where(better, least, error[which])
        reverse = np.broadcast_to((run >= len(pairs))[:, np.newaxis], windows.shape)
        found[which] = np.where(
            better[..., np.newaxis], np.stack([reverse, windows], -1), found[which]
        )
    for pair, errors in enumerate(error):
        for mirrored in np.argsort(errors, kind="stable"):
            if errors[mirrored] >= min(_MAX_COARSE_DIFF**2, _AMBIGUOUS * errors.min() + 1):
                continue
            reverse, window = found[pair, mirrored]
            whole, part = pairs[pair, ::-1] if reverse else pairs[pair]
            yield Alignment(int(whole), int(part), _WINDOWS[window], bool(mirrored))


def _errors(whole: NDArray[np.uint8], parts: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean square differences `[n, 2, windows]` of parts, as they are and mirrored, by window."""
    cells = _AREAS @ whole.astype(np.float32) @ _AREAS.T
    spans = len(_SPANS)
    windows = cells.reshape(spans, _COARSE_SIDE, spans, _COARSE_SIDE).transpose(0, 2, 1, 3)
    windows = windows.reshape(len(_WINDOWS), _COARSE_SIDE * _COARSE_SIDE)
    small = parts.reshape(-1, _COARSE_SIDE, 2, _COARSE_SIDE, 2).astype(np.float32).mean((2, 4))
    sides = np.stack([small, small[:, :, ::-1]], 1).reshape(
        len(parts), 2, _COARSE_SIDE * _COARSE_SIDE
    )
    squares = (sides * sides).sum(-1)[..., np.newaxis] + (windows * windows).sum(-1)
    return np.asarray((squares - 2 * (sides @ windows.T)) / (_COARSE_SIDE * _COARSE_SIDE))


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
