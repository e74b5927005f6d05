"""Fitting of colour names, of the colour classifier, and of its weight beside the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from indexer.colours import MULTICOLOURED, ciede2000, unpack
from scripts.evaluation.colours.catalog import SYNONYMS

__all__ = ["Examples", "fit_anchors", "fit_pool", "fit_regression", "fit_table", "minimise"]

Floats = NDArray[np.float32]

_ANCHORS = 128
# Colours that anchors are found among, at most.
_SAMPLE = 20_000
_ROUNDS = 10
# The greatest distance (CIEDE2000) of a name's colours from the centre found so far.
_WITHIN = 15.0
_STEPS = 4
# The least share of a colour that a product's name may be about.
_SHARE = 0.15
# Penalty on weights; chosen on an eighth of the training part.
_DECAY = 1e-5
# The share of its first colour from which on a product counts as plain.
_PLAIN = 0.7
# What a name's counts are mixed with: as many products with the frequencies of all.
_MIXED_WITH = 5
# Steps of L-BFGS.
_REGRESSION_STEPS, _POOL_STEPS = 80, 50


@dataclass(frozen=True)
class Examples:
    """Products whose colour name is known.

    Attributes:
        names: Colour names, most frequent first.
        labels: `[n]`, each product's place in `names`.
        colours: `[n, 5, 4]` measured colours.
    """

    names: tuple[str, ...]
    labels: NDArray[np.int64]
    colours: NDArray[np.uint8]


def fit_table(examples: Examples, anchors: Floats) -> dict[str, Any]:
    """Return the table as JSON: names, centres, frequencies, and the spread around centres."""
    # One more of each, so that a name without a measured product is rare, not impossible.
    counts = np.bincount(examples.labels, minlength=len(examples.names)) + 1
    starts = _starts(examples, anchors)
    centres = [
        None if name == MULTICOLOURED else _centre(examples, place, starts[place])
        for place, name in enumerate(examples.names)
    ]
    priors = counts / counts.sum()
    return {
        "about": "Made by `scripts/train colours`; CIELAB (D50) centres.",
        "spread": _spread(examples, centres, priors),
        "colours": [
            {
                "name": name,
                "lab": None if centre is None else [round(float(value), 1) for value in centre],
                "prior": round(float(prior), 6),
                "synonyms": SYNONYMS.get(name, []),
            }
            for name, centre, prior in zip(examples.names, centres, priors, strict=True)
        ],
    }


def _starts(examples: Examples, anchors: Floats) -> list[Floats]:
    """Return for each name the anchor that distinguishes it: skin is in images of every name.

    That is the anchor with the greatest part in the Kullback-Leibler divergence of the colours of
    the name's products from those of all products.
    """
    lab, shares = unpack(examples.colours)
    nearest = _nearest(lab.reshape(-1, 3), anchors)
    owners = np.repeat(examples.labels, lab.shape[1])
    counts = np.zeros((len(examples.names), len(anchors)))
    np.add.at(counts, (owners, nearest), shares.ravel())
    overall = (counts.sum(axis=0) + 1) / (counts.sum() + len(anchors))
    # A few products are not enough: their counts are mixed with the frequencies of all.
    own = counts + _MIXED_WITH * overall
    own /= counts.sum(axis=1, keepdims=True) + _MIXED_WITH
    return list(anchors[(own * np.log(own / overall)).argmax(axis=1)])


def _centre(examples: Examples, place: int, start: Floats) -> Floats:
    """Return the median of a name's colours: of each product the colour nearest to the centre."""
    lab, shares = unpack(examples.colours[examples.labels == place])
    centre = start
    for _ in range(_STEPS):
        apart = np.where(shares >= _SHARE, ciede2000(lab, centre), np.inf)
        best = apart.argmin(axis=1)
        distance = np.take_along_axis(apart, best[:, None], axis=1)[:, 0]
        near = distance <= _WITHIN
        if not near.any():
            break
        centre = np.median(lab[near, best[near]], axis=0)
    return centre


def _spread(examples: Examples, centres: list[Floats | None], priors: Floats) -> float:
    """Return the spread that gives the names of plain products the greatest likelihood."""
    lab, shares = unpack(examples.colours)
    plain = shares[:, 0] >= _PLAIN
    usable = [place for place, centre in enumerate(centres) if centre is not None]
    labels = examples.labels[plain]
    kept = np.isin(labels, usable)
    apart = ciede2000(lab[plain, 0][kept][:, None], np.array([centres[p] for p in usable]))
    truth = np.searchsorted(usable, labels[kept])

    def likelihood(spread: float) -> float:
        logits = np.log(priors[usable]) - (apart / spread) ** 2 / 2
        chosen = logits[np.arange(len(truth)), truth]
        return float(np.mean(chosen - np.logaddexp.reduce(logits, axis=1)))

    return max((round(float(s), 1) for s in np.arange(2, 15, 0.5)), key=likelihood)


def fit_anchors(examples: Examples, count: int = _ANCHORS) -> Floats:
    """Return the `count` centres that k-means finds among dominant colours, `[count, 3]`."""
    rng = np.random.default_rng(0)
    lab, shares = unpack(examples.colours)
    colours = lab[shares >= _SHARE]
    colours = colours[rng.choice(len(colours), min(_SAMPLE, len(colours)), replace=False)]
    anchors = colours[rng.choice(len(colours), count, replace=False)].copy()
    for _ in range(_ROUNDS):
        nearest = _nearest(colours, anchors)
        for place in np.unique(nearest):
            anchors[place] = colours[nearest == place].mean(axis=0)
    return anchors


def _nearest(colours: Floats, anchors: Floats) -> NDArray[np.int64]:
    apart = (anchors**2).sum(axis=1) - 2 * colours @ anchors.T
    return np.asarray(apart.argmin(axis=1), np.int64)


def fit_regression(features: Floats, labels: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return weights `[features, names]` and bias `[names]` of a multinomial regression."""
    torch.set_num_threads(1)
    names = int(labels.max()) + 1
    given, truth = torch.from_numpy(features), torch.from_numpy(labels)
    weights = torch.zeros(features.shape[1], names, requires_grad=True)
    bias = torch.zeros(names, requires_grad=True)

    def loss() -> torch.Tensor:
        fit = torch.nn.functional.cross_entropy(given @ weights + bias, truth)
        return fit + _DECAY / 2 * (weights**2).sum()

    minimise(loss, [weights, bias], _REGRESSION_STEPS)
    return weights.detach().numpy(), bias.detach().numpy()


def fit_pool(measured: Floats, model: Floats, labels: NDArray[np.int64]) -> Floats:
    """Return the exponents `[2]` of `ColourClassifier.together` of the greatest likelihood."""
    logs = [torch.from_numpy(np.log(part + 1e-6)) for part in (measured, model)]
    truth = torch.from_numpy(labels)
    exponents = torch.ones(2, requires_grad=True)

    def loss() -> torch.Tensor:
        pooled = exponents[0] * logs[0] + exponents[1] * logs[1]
        return torch.nn.functional.cross_entropy(pooled, truth)

    minimise(loss, [exponents], _POOL_STEPS)
    return exponents.detach().numpy()


def minimise(loss: Callable[[], torch.Tensor], over: list[torch.Tensor], steps: int) -> None:
    """Change tensors in place to those of the least loss that so many steps of L-BFGS find."""
    search = torch.optim.LBFGS(over, max_iter=steps, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        search.zero_grad()
        value = loss()
        torch.autograd.backward(value)
        return value

    search.step(closure)  # type: ignore[no-untyped-call]  # torch annotates no optimiser's step
