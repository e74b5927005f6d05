"""Judging probabilities: calibration errors, AUROC, and reliability diagrams as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "Judged", "adaptive_ece", "auroc", "ece", "write_diagram"]

Doubles = NDArray[np.float64]

# Bins of equal width, as usual since Guo et al. 2017 (arXiv:1706.04599).
BINS = 15

_SIDE, _MARGIN, _GAP = 190, 46, 34


@dataclass(frozen=True)
class Judged:
    """Probabilities and what came true, all flat.

    Attributes:
        said: Probabilities, 0 to 1.
        true: 1 or 0.
        weights: Of each; they need not sum to anything.
        ranks: Places of the hits, from 0.
    """

    said: Doubles
    true: Doubles
    weights: Doubles
    ranks: NDArray[np.int64]

    @classmethod
    def of(cls, said: list[Doubles], true: list[NDArray[np.bool_]]) -> Judged:
        """Of the hits of several queries, each query counting as much as any other."""
        return cls(
            np.concatenate(said),
            np.concatenate(true).astype(np.float64),
            np.concatenate([np.full(len(one), 1 / (len(one) * len(said))) for one in said]),
            np.concatenate([np.arange(len(one)) for one in said]),
        )

    @classmethod
    def join(cls, parts: list[Judged]) -> Judged:
        """Several, each counting as much as any other."""
        return cls(
            np.concatenate([part.said for part in parts]),
            np.concatenate([part.true for part in parts]),
            np.concatenate([part.weights / part.weights.sum() for part in parts]),
            np.concatenate([part.ranks for part in parts]),
        )

    def first(self) -> Judged:
        """The best hit of each query alone."""
        best = self.ranks == 0
        return Judged(self.said[best], self.true[best], self.weights[best], self.ranks[best])


def ece(judged: Judged) -> float:
    """Expected calibration error over `BINS` bins of equal width."""
    places = np.minimum((judged.said * BINS).astype(int), BINS - 1)
    return _error(judged, places, BINS)


def adaptive_ece(judged: Judged) -> float:
    """Expected calibration error over `BINS` bins of equal weight (Nguyen and O'Connor 2015)."""
    order = np.argsort(judged.said, kind="stable")
    reached = np.cumsum(judged.weights[order]) / judged.weights.sum()
    places = np.empty(len(order), int)
    places[order] = np.minimum((reached * BINS - 1e-9).astype(int), BINS - 1)
    return _error(judged, places, BINS)


def auroc(positives: Doubles, negatives: Doubles) -> float:
    """Chance that a positive is above a negative; equal ones count half."""
    above = (positives[:, np.newaxis] > negatives).mean()
    equal = (positives[:, np.newaxis] == negatives).mean()
    return float(above + equal / 2)


def write_diagram(path: Path, title: str, panels: Mapping[str, Judged]) -> None:
    """Write a reliability diagram: what was said against what came true, a panel for each set.

    Dots are the bins of equal width; their areas are the bins' shares of the hits.
    """
    width = _MARGIN + len(panels) * (_SIDE + _GAP)
    height = _SIDE + 2 * _MARGIN + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11" fill="#333">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{_MARGIN}" y="18" font-size="13" font-weight="bold">{title}</text>',
    ]
    for number, (name, judged) in enumerate(panels.items()):
        parts.append(_panel(name, judged, _MARGIN + number * (_SIDE + _GAP), _MARGIN))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", "utf-8")


def _error(judged: Judged, places: NDArray[np.int64], bins: int) -> float:
    gaps = judged.weights * (judged.said - judged.true)
    return float(np.abs(np.bincount(places, gaps, bins)).sum() / judged.weights.sum())


def _panel(name: str, judged: Judged, left: float, top: float) -> str:
    places = np.minimum((judged.said * BINS).astype(int), BINS - 1)
    share = np.bincount(places, judged.weights, BINS) / judged.weights.sum()
    held = np.flatnonzero(share)
    said, true = (
        np.bincount(places, judged.weights * part, BINS)[held] / judged.weights.sum() / share[held]
        for part in (judged.said, judged.true)
    )
    points = [(left + x * _SIDE, top + (1 - y) * _SIDE) for x, y in zip(said, true, strict=True)]
    bottom = top + _SIDE
    parts = [
        f'<rect x="{left}" y="{top}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#999"/>',
        f'<line x1="{left}" y1="{bottom}" x2="{left + _SIDE}" y2="{top}" stroke="#bbb" '
        'stroke-dasharray="4 3"/>',
        '<polyline fill="none" stroke="#2a6fb0" points="'
        + " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        + '"/>',
    ]
    parts += [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{2 + 12 * part**0.5:.1f}" fill="#2a6fb0" '
        'fill-opacity="0.35"/>'
        for (x, y), part in zip(points, share[held], strict=True)
    ]
    for tick in (0.0, 0.5, 1.0):
        x, y = left + tick * _SIDE, bottom - tick * _SIDE
        parts.append(f'<text x="{x}" y="{bottom + 14}" text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text x="{left - 5}" y="{y + 4}" text-anchor="end">{tick:g}</text>')
    parts.append(f'<text x="{left}" y="{top - 8}">{name}: ECE {ece(judged):.3f}</text>')
    parts.append(
        f'<text x="{left + _SIDE / 2}" y="{bottom + 30}" text-anchor="middle">confidence</text>'
    )
    return "\n".join(parts)
