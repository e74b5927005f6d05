"""Priors of confidence: what is assumed of a hit before a catalog is seen.

They are fitted to the training parts of the shared sets, and stand in
`indexer.calibration.model.PRIORS`. Each catalog counts as much as any other.
"""

from __future__ import annotations

import numpy as np

from indexer.calibration import (
    Background,
    LabelledPairs,
    Pairs,
    Prior,
    draw_pairs,
    fit_calibration,
)
from indexer.storage import QueryKind
from scripts.evaluation.search.calibration.catalogs import training_catalogs
from scripts.evaluation.search.setting import Setting
from scripts.support.measuring import Measure

__all__ = ["measure"]

# So weak that the pairs decide.
_VAGUE = Prior(-5.0, 1.0)
# What the weights of one catalog's pairs sum to.
_TOTAL_WEIGHT = 1000


def measure(setting: Setting) -> list[Measure]:
    """Fit offset and slope of each kind's prior."""
    drawn = [
        draw_pairs(setting.built(f"prior-{name}", catalog), setting.encoder)
        for name, catalog in training_catalogs(setting).items()
    ]
    measures = []
    for kind in QueryKind:
        pairs = [found for one in drawn if (found := _standard(one, kind)) is not None]
        fitted = fit_calibration(Pairs.join(pairs), Background(0.0, 1.0), _VAGUE)
        measures.append(Measure(f"prior_{kind}_offset", fitted.offset))
        measures.append(Measure(f"prior_{kind}_slope", fitted.slope))
    return measures


def _standard(drawn: LabelledPairs, kind: QueryKind) -> Pairs | None:
    """Return pairs with cosines in the background's units, without the query's own vector."""
    pairs, background = drawn.pairs[kind], drawn.backgrounds[kind]
    if pairs is None:
        return None
    return Pairs(
        np.zeros((len(pairs), 1), np.float32),
        (pairs.scores - background.mean) / background.sd,
        pairs.labels,
        _TOTAL_WEIGHT * pairs.weights / pairs.weights.sum(),
    )
