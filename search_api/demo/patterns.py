"""Patterns as shapes that cover an area; a sketch clips them to the product."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from search_api.demo.shapes import Corner, Point, box, oval, symmetric, turned

__all__ = ["PATTERNS", "Area", "Motif", "Pattern", "pattern_named"]

# Left, top, right, bottom.
Area = tuple[float, float, float, float]
# A shape and the opacity of the second colour on it, 0 to 255; later shapes replace earlier ones.
Motif = tuple[list[Point], int]
_FULL, _HALF, _NONE = 255, 115, 0


@dataclass(frozen=True)
class Pattern:
    """A pattern: its names, and how it is drawn.

    Attributes:
        name: The name in queries and fields, e.g. `striped`.
        words: Its adjectives in titles.
        motifs: Its parts in titles, after the second colour: `with white dots`.
        pitch: Smallest and largest distance between repeats.
        draw: Yields the shapes that cover an area at a pitch.
        turns: Angles that it may be turned by, in degrees.
    """

    name: str
    words: tuple[str, ...]
    motifs: str
    pitch: tuple[float, float]
    draw: Callable[[Area, float], Iterator[Motif]]
    turns: tuple[int, ...] = (0,)

    def size(self, rng: random.Random) -> float:
        """Draw a pitch from the range."""
        return rng.uniform(*self.pitch)


def _steps(start: float, end: float, pitch: float) -> Iterator[int]:
    """Return the numbers of the repeats that touch an interval; repeat n is at n * pitch."""
    return iter(range(math.floor(start / pitch) - 1, math.ceil(end / pitch) + 2))


def _lattice(area: Area, pitch: float) -> Iterator[tuple[float, float, int]]:
    """Yield points in staggered rows, each with a number that varies from point to point."""
    left, top, right, bottom = area
    for row in _steps(top, bottom, pitch * 0.8):
        for column in _steps(left, right, pitch):
            x = (column + (0.5 if row % 2 else 0.0)) * pitch
            yield x, row * pitch * 0.8, row * 7 + column * 3


def _plain(area: Area, pitch: float) -> Iterator[Motif]:
    del area, pitch
    return iter(())


def _stripes(area: Area, pitch: float) -> Iterator[Motif]:
    left, top, right, bottom = area
    for row in _steps(top, bottom, pitch):
        yield box(left, row * pitch, right, (row + 0.38) * pitch, 0), _FULL


def _dots(area: Area, pitch: float) -> Iterator[Motif]:
    for x, y, _ in _lattice(area, pitch):
        yield oval(x, y, pitch * 0.23), _FULL


def _checks(area: Area, pitch: float) -> Iterator[Motif]:
    left, top, right, bottom = area
    columns = [(n * pitch, (n + 0.42) * pitch) for n in _steps(left, right, pitch)]
    rows = [(n * pitch, (n + 0.42) * pitch) for n in _steps(top, bottom, pitch)]
    for start, end in columns:
        yield box(start, top, end, bottom, 0), _HALF
    for start, end in rows:
        yield box(left, start, right, end, 0), _HALF
        for first, last in columns:
            yield box(first, start, last, end, 0), _FULL


def _flowers(area: Area, pitch: float) -> Iterator[Motif]:
    petal, reach = pitch * 0.15, pitch * 0.17
    for x, y, number in _lattice(area, pitch):
        for turn in range(5):
            angle = math.radians(turn * 72 + number * 25)
            yield oval(x + reach * math.cos(angle), y + reach * math.sin(angle), petal), _FULL
        yield oval(x, y, pitch * 0.1), _NONE


def _zigzags(area: Area, pitch: float) -> Iterator[Motif]:
    left, top, right, bottom = area
    step, rise, thick = pitch * 0.5, pitch * 0.42, pitch * 0.38
    for row in _steps(top - rise, bottom, pitch):
        edge = [(n * step, row * pitch + (rise if n % 2 else 0)) for n in _steps(left, right, step)]
        yield edge + [(x, y + thick) for x, y in reversed(edge)], _FULL


def _stars(area: Area, pitch: float) -> Iterator[Motif]:
    for x, y, number in _lattice(area, pitch):
        tips = [(x, y - pitch * (0.14 if n % 2 else 0.34)) for n in range(10)]
        points = [turned([tip], n * 36 + number * 11, (x, y))[0] for n, tip in enumerate(tips)]
        yield points, _FULL


def _hearts(area: Area, pitch: float) -> Iterator[Motif]:
    lobe: tuple[Corner, ...] = ((0.0, -0.12, 0), (0.14, -0.34, 9), (0.36, -0.2, 9), (0.3, 0.06, 9))
    heart = symmetric(*lobe, (0.0, 0.36, 0), axis=0)
    for x, y, _ in _lattice(area, pitch):
        yield [(x + dx * pitch, y + dy * pitch) for dx, dy in heart], _FULL


_TABLE = (
    Pattern("plain", ("plain",), "", (8, 8), _plain),
    Pattern("striped", ("striped", "stripy"), "stripes", (7, 11), _stripes, (0, 0, 0, 90)),
    Pattern("dotted", ("polka dot", "dotted"), "dots", (9, 13), _dots),
    Pattern("checked", ("checked", "gingham"), "checks", (7, 11), _checks),
    Pattern("floral", ("floral", "flowery"), "flowers", (13, 17), _flowers),
    Pattern("zigzag", ("zigzag",), "zigzags", (9, 12), _zigzags),
    Pattern("starry", ("starry", "star print"), "stars", (11, 15), _stars),
    Pattern("hearts", ("heart print",), "hearts", (11, 15), _hearts),
)
_BY_NAME = {pattern.name: pattern for pattern in _TABLE}

PATTERNS: tuple[str, ...] = tuple(_BY_NAME)


def pattern_named(name: str) -> Pattern:
    """Look up a pattern; raises `KeyError` for an unknown name."""
    return _BY_NAME[name]
