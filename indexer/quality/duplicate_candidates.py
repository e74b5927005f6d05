"""Pairs of pictures that may be the same one: near by vector, alike at 16 x 16 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.index import SCAN_SIDE, ImageTable, Progress, Segment
from indexer.quality.same_image import Window
from indexer.storage import IndexKind, QueryKind, RowSet

__all__ = ["Alignment", "alike_when_small", "near_by_vector"]

# A copy's original was among the 10 nearest of 9,000 for all 1,600 copies tried, at cosines down to
# 0.60 for scaled ones of 60 x 80 pixels.
_NEIGHBOURS = 10
_MIN_COSINE = 0.55
_ROWS, _COLUMNS = 1024, 16_384

# How much may be cut off at an edge, as a share of the side: near enough for the alignment.
_CUTS = (0.0, 0.025, 0.05)
_HALF = SCAN_SIDE // 2
# Root mean square difference in grey levels, over 8 x 8 areas; 99.5% of the copies lie below.
_MAX_COARSE = 11.0
# A picture that is nearly its own mirror image is tried both ways, if the one way's mean square
# difference is below so many times the other's.
_DOUBTFUL = 4.0


@dataclass(frozen=True)
class Alignment:
    """Two pictures that may be the same one, and how they lie on each other.

    Attributes:
        whole: The picture of which the other may be a part.
        part: The other.
        window: About which part.
        mirrored: Whether `part` is turned left to right.
    """

    whole: int
    part: int
    window: Window
    mirrored: bool


def near_by_vector(
    table: ImageTable,
    pictures: NDArray[np.int64],
    on_progress: Progress = lambda what, done, total: None,
    *,
    min_cosine: float = _MIN_COSINE,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pairs of which either picture is among the other's nearest.

    Segments that are searched exactly are compared block by block, the others through their FAISS
    index, so that the time grows little faster than the number of pictures.

    Args:
        table: The pictures.
        pictures: Which of them to look among, ascending.
        on_progress: Called after each block.
        min_cosine: Pairs below are left out.

    Returns:
        `[m, 2]` pairs with the lower picture first, each once, ascending; and their cosines.
    """
    firsts, seconds, cosines = [], [], []
    groups = [pictures[table.segment[pictures] == n] for n in range(len(table.index.segments))]
    for start in range(0, len(pictures), _ROWS):
        block = pictures[start : start + _ROWS]
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
        on_progress("Comparing vectors", min(start + _ROWS, len(pictures)), len(pictures))
    if not firsts:
        return np.empty((0, 2), np.int64), np.empty(0, np.float32)
    pairs = np.stack([np.concatenate(firsts), np.concatenate(seconds)], 1)
    unique, places = np.unique(pairs, axis=0, return_index=True)
    return unique, np.concatenate(cosines)[places]


def _nearest(
    segment: Segment, rows: NDArray[np.int64], vectors: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Of each vector its nearest among some rows: places in `rows`, and cosines, both [n, k]."""
    wanted = min(_NEIGHBOURS + 1, len(rows))  # one of them may be the picture itself
    # With titles mixed in, the FAISS index is over other vectors than those of the pictures.
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
    """The pairs that look alike as small grey pictures, mirrored and cropped ones too.

    A pair that could be either way round comes twice, as it is and mirrored.

    Args:
        grey: `[n, SCAN_SIDE, SCAN_SIDE]`, from `scan_images`.
        pairs: `[m, 2]`, ascending.
    """
    both = np.concatenate([pairs, pairs[:, ::-1]])
    number = np.tile(np.arange(len(pairs)), 2)
    order = np.argsort(both[:, 0], kind="stable")
    # By pair, and apart for parts as they are and mirrored.
    error = np.full((len(pairs), 2), np.inf)
    found = np.zeros((len(pairs), 2, 2), np.int32)  # which way round, and which window
    starts = np.flatnonzero(np.diff(both[order, 0], prepend=-1))
    for run in np.split(order, starts[1:]) if len(order) else ():
        errors = _errors(grey[both[run[0], 0]], grey[both[run, 1]])
        windows = errors.argmin(2)
        least = errors.min(2)
        which = number[run]
        # A hair better is no reason to call a picture cropped that isn't.
        better = least < 0.98 * error[which]
        error[which] = np.where(better, least, error[which])
        reverse = np.broadcast_to((run >= len(pairs))[:, np.newaxis], windows.shape)
        found[which] = np.where(
            better[..., np.newaxis], np.stack([reverse, windows], -1), found[which]
        )
    for pair, errors in enumerate(error):
        for mirrored in np.argsort(errors, kind="stable"):
            if errors[mirrored] >= min(_MAX_COARSE**2, _DOUBTFUL * errors.min() + 1):
                continue
            reverse, window = found[pair, mirrored]
            whole, part = pairs[pair, ::-1] if reverse else pairs[pair]
            yield Alignment(int(whole), int(part), _WINDOWS[window], bool(mirrored))


def _errors(whole: NDArray[np.uint8], parts: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean square differences `[n, 2, windows]`: parts as they are and mirrored, by window."""
    cells = _AREAS @ whole.astype(np.float32) @ _AREAS.T
    spans = len(_SPANS)
    windows = cells.reshape(spans, _HALF, spans, _HALF).transpose(0, 2, 1, 3)
    windows = windows.reshape(len(_WINDOWS), _HALF * _HALF)
    small = parts.reshape(-1, _HALF, 2, _HALF, 2).astype(np.float32).mean((2, 4))
    sides = np.stack([small, small[:, :, ::-1]], 1).reshape(len(parts), 2, _HALF * _HALF)
    squares = (sides * sides).sum(-1)[..., np.newaxis] + (windows * windows).sum(-1)
    return np.asarray((squares - 2 * (sides @ windows.T)) / (_HALF * _HALF))


def _areas(low: float, high: float) -> NDArray[np.float32]:
    """`[_HALF, SCAN_SIDE]`: takes means over equal parts of a span of a side."""
    edges = np.linspace(low * SCAN_SIDE, high * SCAN_SIDE, _HALF + 1)
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
