"""Outlines as lists of points, in hundredths of the image's side; y points down."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = [
    "SMOOTH",
    "Corner",
    "Point",
    "arc",
    "aside",
    "bounds",
    "box",
    "curve",
    "oval",
    "rounded",
    "symmetric",
    "turned",
]

Point = tuple[float, float]
# A corner of a polygon: x, y and perhaps a radius, the length of edge that its rounding takes.
Corner = tuple[float, float] | tuple[float, float, float]

SMOOTH = 999.0
_DEFAULT_RADIUS = 1.0


def _toward(start: Point, end: Point, length: float) -> Point:
    """Return the point `length` away from `start`, at most the middle of the edge."""
    whole = math.dist(start, end)
    share = min(0.5, length / whole) if whole else 0.0
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _bend(start: Point, control: Point, end: Point) -> list[Point]:
    """Return a quadratic Bezier curve, with steps of about 1.5 units."""
    length = math.dist(start, control) + math.dist(control, end)
    steps = max(2, min(24, round(length / 1.5)))
    points = []
    for step in range(steps + 1):
        t = step / steps
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t * t
        x = a * start[0] + b * control[0] + c * end[0]
        points.append((x, a * start[1] + b * control[1] + c * end[1]))
    return points


def rounded(corners: Sequence[Corner]) -> list[Point]:
    """Round the corners of a polygon.

    A corner is `(x, y)`, slightly rounded, or `(x, y, radius)`. Radius 0 keeps it sharp, and
    `SMOOTH` uses half of each edge, so that a sequence of such corners is a quadratic B-spline.
    """
    return _joined([corners[-1], *corners, corners[0]])


def curve(*corners: Corner) -> list[Point]:
    """Return an open line with corners as in `rounded` between its two ends."""
    ends = [(x, y) for x, y, *_ in (corners[0], corners[-1])]
    return [ends[0], *_joined(corners), ends[1]]


def _joined(corners: Sequence[Corner]) -> list[Point]:
    """Round all corners but the first and the last, one after another."""
    points: list[Point] = []
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        here = (corner[0], corner[1])
        radius = (*corner, _DEFAULT_RADIUS)[2]
        if radius == 0:
            points.append(here)
            continue
        start = _toward(here, (before[0], before[1]), radius)
        points.extend(_bend(start, here, _toward(here, (after[0], after[1]), radius)))
    return points


def aside(side: int, *corners: Corner, axis: float = 50.0) -> list[Corner]:
    """Place corners, with x measured from the axis, on its right (`side` 1) or left (-1)."""
    return [(axis + side * corner[0], *corner[1:]) for corner in corners]


def symmetric(*half: Corner, axis: float = 50.0) -> list[Point]:
    """Round a closed outline given by its right half, top to bottom, x measured from the axis."""
    left = [corner for corner in reversed(half) if corner[0]]
    return rounded(aside(1, *half, axis=axis) + aside(-1, *left, axis=axis))


def oval(x: float, y: float, width: float, height: float | None = None) -> list[Point]:
    """Return an ellipse from its centre and half axes; a circle without `height`."""
    return arc(x, y, width, height, 0, 360)[:-1]


def arc(
    x: float, y: float, width: float, height: float | None, start: float, end: float
) -> list[Point]:
    """Return the part of an ellipse between two angles in degrees, clockwise from the right."""
    tall = width if height is None else height
    steps = max(12, round(abs(end - start) / 360 * (20 + max(width, tall))))
    turns = (math.radians(start + (end - start) * step / steps) for step in range(steps + 1))
    return [(x + width * math.cos(turn), y + tall * math.sin(turn)) for turn in turns]


def box(left: float, top: float, right: float, bottom: float, radius: float = 1.0) -> list[Point]:
    """Return a rectangle with rounded corners."""
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return rounded([(x, y, radius) for x, y in corners])


def bounds(points: Sequence[Point]) -> tuple[float, float, float, float]:
    """Return the smallest upright box around points: left, top, right, bottom."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def turned(points: Sequence[Point], degrees: float, centre: Point) -> list[Point]:
    """Rotate points clockwise around a centre."""
    if not degrees:
        return list(points)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    cx, cy = centre
    return [
        (cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos)
        for x, y in points
    ]
