"""Searches for a colour alone, by name and by number, judged by what the catalog states.

The colours to ask for, and the stated ones that people accept for each, are those of
`colour_names.json` beside the shared catalogs. Only products of the held-back tenth are searched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.search import Engine, Query, WantedColour
from scripts.evaluation.search.setting import IndexedCatalog, Setting
from scripts.support.measuring import Measure

__all__ = ["accepted_colours", "expected_error", "measure_by_name"]

_K = 10
_TARGET, _ERROR_TARGET = 0.80, 0.05
_BINS = 15


def accepted_colours(data: Path) -> dict[str, list[str]]:
    """Return the colours to ask for, each with the stated colours that people accept for it."""
    stored = json.loads((data / "colour_names.json").read_text("utf-8"))
    return {text: right for text, right in stored.items() if isinstance(right, list)}


def measure_by_name(setting: Setting) -> list[Measure]:
    """Measure precision and calibration of the first ten hits of every colour.

    Precision is the share of right hits, where fewer than ten products are right of those. Colours
    with fewer than ten right products are left out.
    """
    catalog = setting.held
    engine = Engine(setting.encoder, catalog.index)
    accepted = accepted_colours(setting.data)
    precisions: dict[str, float] = {}
    confidences: list[float] = []
    rights: list[bool] = []
    for text, right in accepted.items():
        if _having(catalog, right) < _K:
            continue
        hits = engine.search(Query((), k=_K, colour=WantedColour(text))).hits
        found = [hit.fields.get("base_colour") in right for hit in hits]
        precisions[text] = sum(found) / _K
        confidences += [hit.confidence or 0.0 for hit in hits]
        rights += found
    names = {text: value for text, value in precisions.items() if not text.startswith("#")}
    numbers = [value for text, value in precisions.items() if text.startswith("#")]
    error = expected_error(confidences, rights)
    everything = Measure.mean(
        "colour by name, precision at 10 over all names", [*names.values(), *numbers], _TARGET
    )
    return [
        replace(everything, note=_worst(precisions)),
        Measure.mean("colour by name, names alone", [*names.values()]),
        Measure.mean("colour by name, #rrggbb alone", numbers),
        Measure("colour by name, calibration error", error, _ERROR_TARGET, better="lower"),
    ]


def expected_error(
    confidences: Sequence[float] | NDArray[np.floating[Any]],
    rights: Sequence[bool] | NDArray[np.bool_],
) -> float:
    """Return the expected calibration error over bins of equal width (Guo et al. 2017, eq. 3)."""
    confidence, right = np.asarray(confidences, np.float64), np.asarray(rights, np.float64)
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = [abs(confidence[bins == b].sum() - right[bins == b].sum()) for b in np.unique(bins)]
    return float(sum(gaps)) / len(confidence)


def _having(catalog: IndexedCatalog, right: Sequence[str]) -> int:
    return int(np.isin(catalog.columns["base_colour"].astype(str), list(right)).sum())


def _worst(precisions: Mapping[str, float]) -> str:
    worst = sorted(precisions, key=lambda text: precisions[text])[:3]
    return f"{len(precisions)} colours; least " + ", ".join(
        f"{text} {precisions[text]:.1f}" for text in worst
    )
