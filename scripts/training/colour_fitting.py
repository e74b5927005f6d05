"""Fitting the table of names, the classifier and the pool of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from indexer.colours import MULTICOLOURED, ciede2000, unpack
from scripts.evaluation.colours.catalog import SYNONYMS, CatalogColours

__all__ = ["fit_anchors", "fit_pool", "fit_regression", "fit_table"]

Floats = NDArray[np.float32]

_ANCHORS = 128
# Products whose colours anchors are sought among.
_SAMPLE = 20_000
_ROUNDS = 10
# A name's colours are sought so far from where its centre was thought to be (CIEDE2000).
_WITHIN = 15.0
_STEPS = 4
# Of a product's colours those that may be what its name is about.
_SHARE = 0.15
# Penalty on weights; chosen on an eighth of the training part.
_DECAY = 1e-5
# A product of which one colour makes up so much tells what that colour is called.
_PLAIN = 0.7


def fit_table(catalog: CatalogColours, anchors: Floats) -> dict[str, Any]:
    """The table as JSON: names, centres, frequencies, and the spread around centres."""
    # One more of each, so that a name of which no product was measured is rare, not impossible.
    counts = np.bincount(catalog.labels[catalog.train], minlength=len(catalog.names)) + 1
    starts = _starts(catalog, anchors)
    centres = [
        None if name == MULTICOLOURED else _centre(catalog, place, starts[place])
        for place, name in enumerate(catalog.names)
    ]
    priors = counts / counts.sum()
    return {
        "about": "Made by scripts/fit_colours.py; CIELAB (D50) centres.",
        "spread": _spread(catalog, centres, priors),
        "colours": [
            {
                "name": name,
                "lab": None if centre is None else [round(float(value), 1) for value in centre],
                "prior": round(float(prior), 6),
                "synonyms": SYNONYMS.get(name, []),
            }
            for name, centre, prior in zip(catalog.names, centres, priors, strict=True)
        ],
    }


def _starts(catalog: CatalogColours, anchors: Floats) -> list[Floats]:
    """For each name the anchor that tells it from the others: skin is in pictures of any name.

    That is the one with the greatest part in the Kullback-Leibler divergence of the colours of
    products so called from those of all.
    """
    lab, shares = unpack(catalog.colours[catalog.train])
    nearest = _nearest(lab.reshape(-1, 3), anchors)
    owners = np.repeat(catalog.labels[catalog.train], lab.shape[1])
    counts = np.zeros((len(catalog.names), len(anchors)))
    np.add.at(counts, (owners, nearest), shares.ravel())
    overall = (counts.sum(axis=0) + 1) / (counts.sum() + len(anchors))
    # A few products are not enough to tell: they are mixed with what holds of all.
    own = (counts + 5 * overall) / (counts.sum(axis=1, keepdims=True) + 5)
    return list(anchors[(own * np.log(own / overall)).argmax(axis=1)])


def _centre(catalog: CatalogColours, place: int, start: Floats) -> Floats:
    """The median of the colours that the name is about: of each product that nearest to it."""
    rows = catalog.train[catalog.labels[catalog.train] == place]
    lab, shares = unpack(catalog.colours[rows])
    centre = start
    for _ in range(_STEPS):
        apart = np.where(shares >= _SHARE, ciede2000(lab, centre), np.inf)
        best = apart.argmin(axis=1)
        of_it = np.take_along_axis(apart, best[:, None], axis=1)[:, 0] <= _WITHIN
        if not of_it.any():
            break
        centre = np.median(lab[of_it, best[of_it]], axis=0)
    return centre


def _spread(catalog: CatalogColours, centres: list[Floats | None], priors: Floats) -> float:
    """The one that gives plain products' names the greatest likelihood."""
    lab, shares = unpack(catalog.colours[catalog.train])
    plain = shares[:, 0] >= _PLAIN
    usable = [place for place, centre in enumerate(centres) if centre is not None]
    labels = catalog.labels[catalog.train][plain]
    kept = np.isin(labels, usable)
    apart = ciede2000(lab[plain, 0][kept][:, None], np.array([centres[p] for p in usable]))
    truth = np.searchsorted(usable, labels[kept])

    def likelihood(spread: float) -> float:
        logits = np.log(priors[usable]) - (apart / spread) ** 2 / 2
        chosen = logits[np.arange(len(truth)), truth]
        return float(np.mean(chosen - np.logaddexp.reduce(logits, axis=1)))

    return max((round(float(s), 1) for s in np.arange(2, 15, 0.5)), key=likelihood)


def fit_anchors(catalog: CatalogColours) -> Floats:
    """`[a, 3]`: the centres that k-means finds among dominant colours."""
    rng = np.random.default_rng(0)
    lab, shares = unpack(catalog.colours[catalog.train])
    colours = lab[shares >= _SHARE]
    colours = colours[rng.choice(len(colours), min(_SAMPLE, len(colours)), replace=False)]
    anchors = colours[rng.choice(len(colours), _ANCHORS, replace=False)].copy()
    for _ in range(_ROUNDS):
        nearest = _nearest(colours, anchors)
        for place in np.unique(nearest):
            anchors[place] = colours[nearest == place].mean(axis=0)
    return anchors


def _nearest(colours: Floats, anchors: Floats) -> NDArray[np.int64]:
    apart = (anchors**2).sum(axis=1) - 2 * colours @ anchors.T
    return apart.argmin(axis=1)


def fit_regression(features: Floats, labels: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Weights `[features, names]` and bias `[names]` of a multinomial logistic regression."""
    torch.set_num_threads(1)
    names = int(labels.max()) + 1
    given, truth = torch.from_numpy(features), torch.from_numpy(labels)
    weights = torch.zeros(features.shape[1], names, requires_grad=True)
    bias = torch.zeros(names, requires_grad=True)

    def loss() -> torch.Tensor:
        fit = torch.nn.functional.cross_entropy(given @ weights + bias, truth)
        return fit + _DECAY / 2 * (weights**2).sum()

    _minimise(loss, [weights, bias], 80)
    return weights.detach().numpy(), bias.detach().numpy()


def fit_pool(measured: Floats, model: Floats, labels: NDArray[np.int64]) -> Floats:
    """The exponents `[2]` of `ColourClassifier.together`, of the greatest likelihood."""
    logs = [torch.from_numpy(np.log(part + 1e-6)) for part in (measured, model)]
    truth = torch.from_numpy(labels)
    exponents = torch.ones(2, requires_grad=True)

    def loss() -> torch.Tensor:
        pooled = exponents[0] * logs[0] + exponents[1] * logs[1]
        return torch.nn.functional.cross_entropy(pooled, truth)

    _minimise(loss, [exponents], 50)
    return exponents.detach().numpy()


def _minimise(loss: Callable[[], torch.Tensor], over: list[torch.Tensor], steps: int) -> None:
    search = torch.optim.LBFGS(over, max_iter=steps, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        search.zero_grad()
        value = loss()
        value.backward()
        return value

    search.step(closure)
