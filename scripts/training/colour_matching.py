"""Fitting of how products match colours: which of their measured colours are sold, and how near."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from indexer.colours import MULTICOLOURED, ColourMatching, colour_point, shade_features, unpack
from scripts.training.colour_fitting import Examples, fit_anchors, minimise

__all__ = ["fit_logits", "fit_photo", "fit_weights"]

Floats = NDArray[np.float32]

_ANCHORS = 48
# Steps of L-BFGS, and penalties on the weights of names and of shades.
_STEPS = 120
_NAME_DECAY, _SHADE_DECAY = 1e-5, 1e-4
# Keeps logarithms finite.
_LEAST = 1e-6
# Penalty on moving a colour by the affine map, in squared units of CIELAB.
_STIFFNESS = 450.0
# What confidence is fitted to: the first hits of each name in catalogs of these sizes, so many of
# each.
_HITS = 10
_CATALOGS = (20, 60, 200, 600, 2000, 6000, 20_000)
_DRAWN = 10


def fit_weights(examples: Examples) -> dict[str, Any]:
    """Return the weights of measured colours, as `ColourMatching` has them.

    Each measured colour gets a probability of every name from its shade, and a weight. Both are
    fitted together, so that the weighted mean of the probabilities makes the products' names
    likeliest: what has the same shade in products of every name, such as skin, gets little weight.
    """
    anchors = fit_anchors(examples, _ANCHORS)
    one_colour = examples.labels != examples.names.index(MULTICOLOURED)
    lab, shares = unpack(examples.colours[one_colour])
    features = torch.from_numpy(shade_features(lab, anchors))
    share, truth = torch.from_numpy(shares), torch.from_numpy(examples.labels[one_colour])
    unused = torch.where(share > 0, 0.0, -1e9)
    names = torch.zeros(_ANCHORS, len(examples.names), requires_grad=True)
    bias = torch.zeros(len(examples.names), requires_grad=True)
    by_shade, by_share = (torch.zeros(_ANCHORS, requires_grad=True) for _ in range(2))
    power = torch.tensor(1.0, requires_grad=True)

    def loss() -> torch.Tensor:
        logits = power * torch.log(share + _LEAST) + features @ by_shade
        weights = torch.softmax(logits + (features @ by_share) * share + unused, 1)
        each = torch.log_softmax(features @ names + bias, -1)
        right = each.gather(2, truth[:, None, None].expand(-1, each.shape[1], 1))[..., 0]
        fit = -torch.logsumexp(torch.log(weights + 1e-9) + right, 1).mean()
        shades = (by_shade**2).sum() + (by_share**2).sum()
        return fit + _NAME_DECAY * (names**2).sum() + _SHADE_DECAY * shades

    torch.set_num_threads(1)
    minimise(loss, [names, bias, by_shade, by_share, power], _STEPS)
    return {
        "anchors": anchors,
        "by_shade": by_shade.detach().numpy(),
        "by_share": by_share.detach().numpy(),
        "power": float(power.detach()),
    }


def fit_photo(imagined: Floats, in_photos: Floats) -> Floats:
    """Return the affine map `[4, 3]` from dictionaries' colours to the same names' in photos.

    Args:
        imagined: `[n, 3]` CIELAB colours of names in a dictionary.
        in_photos: `[n, 3]` the centres of the same names in the table.
    """
    given = np.column_stack([imagined, np.ones(len(imagined))])
    penalty = np.diag([_STIFFNESS] * 3 + [0.0])
    still = np.concatenate([np.eye(3), np.zeros((1, 3))])
    square = given.T @ given + penalty
    return np.asarray(np.linalg.solve(square, given.T @ in_photos + penalty @ still), np.float32)


def fit_logits(
    matching: ColourMatching,
    colours: NDArray[np.uint8],
    stated: Sequence[str],
    accepted: Mapping[str, Sequence[str]],
) -> tuple[float, float, float]:
    """Return the log-odds that a hit has what people call so, as `ColourMatching` has them.

    They are fitted to the first hits in catalogs of many sizes, drawn from one: small catalogs lack
    most colours, and their hits are wrong.

    Args:
        matching: All the rest of what is fitted.
        colours: `[n, 5, 4]` measured colours of products.
        stated: `[n]` the colour that the catalog states of each.
        accepted: For each colour to ask for, the stated ones that people accept for it.
    """
    weights, values = matching.weights(colours), np.array(stated)
    rng = np.random.default_rng(0)
    catalogs = [
        rng.choice(len(values), min(size, len(values)), replace=False)
        for size in _CATALOGS
        for _ in range(_DRAWN)
    ]
    matches, labels = [], []
    for text, right in accepted.items():
        lab = colour_point(text).lab
        assert lab is not None, "many colours are no point"
        found, is_right = matching.match(colours, weights, lab), np.isin(values, list(right))
        for rows in catalogs:
            best = rows[np.argsort(-found[rows], kind="stable")[:_HITS]]
            matches.append(found[best])
            labels.append(is_right[best])
    given = torch.from_numpy(ColourMatching.logit_features(np.concatenate(matches)))
    truth = torch.from_numpy(np.concatenate(labels).astype(np.float64))
    line = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64, requires_grad=True)

    def loss() -> torch.Tensor:
        # Slopes below 0 would make a better match less sure.
        logits = given @ torch.cat([line[:1], torch.abs(line[1:])])
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, truth)

    minimise(loss, [line], _STEPS)
    offset, by_log, by_match = line.detach().tolist()
    return offset, abs(by_log), abs(by_match)
