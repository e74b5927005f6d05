"""Quality of probabilities: calibration errors, AUROC, and reliability diagrams as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "Predictions", "adaptive_ece", "auroc", "ece", "write_diagram"]

Doubles = NDArray[np.float64]

# Bins of equal width, as usual since Guo et al. 2017 (arXiv:1706.04599).
BINS = 15

# Of a diagram, in pixels: the side of a panel, the margin around, the gap between panels.
_SIDE, _MARGIN, _GAP = 190, 46, 34


@dataclass(frozen=True)
class Predictions:
    """Predicted probabilities and outcomes of hits, all flat.

    Attributes:
        predicted: Probabilities, 0 to 1.
        right: 1 for right hits, 0 for wrong ones.
        weights: Weights of the hits; only their ratios count.
        ranks: Places of the hits, from 0.
    """

    predicted: Doubles
    right: Doubles
    weights: Doubles
    ranks: NDArray[np.int64]

    @classmethod
    def of(cls, predicted: list[Doubles], right: list[NDArray[np.bool_]]) -> Predictions:
        """Combine the hits of several queries; each query has the same weight."""
        return cls(
            np.concatenate(predicted),
            np.concatenate(right).astype(np.float64),
            np.concatenate(
                [np.full(len(one), 1 / (len(one) * len(predicted))) for one in predicted]
            ),
            np.concatenate([np.arange(len(one)) for one in predicted]),
        )

    @classmethod
    def join(cls, parts: list[Predictions]) -> Predictions:
        """Combine several sets; each has the same weight."""
        return cls(
            np.concatenate([part.predicted for part in parts]),
            np.concatenate([part.right for part in parts]),
            np.concatenate([part.weights / part.weights.sum() for part in parts]),
            np.concatenate([part.ranks for part in parts]),
        )

    def first(self) -> Predictions:
        """Return the best hits alone, one a query."""
        best = self.ranks == 0
        return Predictions(
            self.predicted[best], self.right[best], self.weights[best], self.ranks[best]
        )


def ece(predictions: Predictions) -> float:
    """Return the expected calibration error over `BINS` bins of equal width."""
    places = np.minimum((predictions.predicted * BINS).astype(int), BINS - 1)
    return _error(predictions, places, BINS)


def adaptive_ece(predictions: Predictions) -> float:
    """Return the calibration error over `BINS` bins of equal weight (Nguyen and O'Connor 2015)."""
    order = np.argsort(predictions.predicted, kind="stable")
    reached = np.cumsum(predictions.weights[order]) / predictions.weights.sum()
    places = np.empty(len(order), int)
    places[order] = np.minimum((reached * BINS - 1e-9).astype(int), BINS - 1)
    return _error(predictions, places, BINS)


def auroc(positives: Doubles, negatives: Doubles) -> float:
    """Return the chance that a positive is above a negative; equal ones count half."""
    above = (positives[:, np.newaxis] > negatives).mean()
    equal = (positives[:, np.newaxis] == negatives).mean()
    return float(above + equal / 2)


def write_diagram(path: Path, title: str, panels: Mapping[str, Predictions]) -> None:
    """Write a reliability diagram: predicted against observed shares, a panel for each set.

    Dots are the bins of equal width; their areas are the bins' shares of the hits.
    """
    width = _MARGIN + len(panels) * (_SIDE + _GAP)
    height = _SIDE + 2 * _MARGIN + 12
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            'font-family="sans-serif" font-size="11" fill="#333">'
        ),
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{_MARGIN}" y="18" font-size="13" font-weight="bold">{title}</text>',
    ]
    for number, (name, predictions) in enumerate(panels.items()):
        parts.append(_panel(name, predictions, _MARGIN + number * (_SIDE + _GAP), _MARGIN))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", "utf-8")


def _error(predictions: Predictions, places: NDArray[np.int64], bins: int) -> float:
    gaps = predictions.weights * (predictions.predicted - predictions.right)
    return float(np.abs(np.bincount(places, gaps, bins)).sum() / predictions.weights.sum())


def _panel(name: str, predictions: Predictions, left: float, top: float) -> str:
    places = np.minimum((predictions.predicted * BINS).astype(int), BINS - 1)
    share = np.bincount(places, predictions.weights, BINS) / predictions.weights.sum()
    held = np.flatnonzero(share)
    predicted, right = (
        np.bincount(places, predictions.weights * part, BINS)[held]
        / predictions.weights.sum()
        / share[held]
        for part in (predictions.predicted, predictions.right)
    )
    points = [
        (left + x * _SIDE, top + (1 - y) * _SIDE) for x, y in zip(predicted, right, strict=True)
    ]
    bottom = top + _SIDE
    parts = [
        f'<rect x="{left}" y="{top}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#999"/>',
        (
            f'<line x1="{left}" y1="{bottom}" x2="{left + _SIDE}" y2="{top}" stroke="#bbb" '
            'stroke-dasharray="4 3"/>'
        ),
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
    parts.append(f'<text x="{left}" y="{top - 8}">{name}: ECE {ece(predictions):.3f}</text>')
    parts.append(
        f'<text x="{left + _SIDE / 2}" y="{bottom + 30}" text-anchor="middle">confidence</text>'
    )
    return "\n".join(parts)
