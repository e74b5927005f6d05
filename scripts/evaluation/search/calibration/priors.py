"""What is believed of a hit before a catalog is seen, fit on the shared sets' training parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from embeddings import Encoder
from indexer.build import BuildOptions, build_index
from indexer.calibration import (
    Background,
    LabelledPairs,
    Pairs,
    Prior,
    draw_pairs,
    fit_calibration,
)
from indexer.index import Index
from indexer.storage import QueryKind
from scripts.evaluation.search.catalogs import catalog_table, named_photos
from scripts.support.measuring import Measure
from scripts.training.data.catalogs import CLOTHING, FASHION, GROCERY_PHOTOS, read_rows

__all__ = ["prior_measures"]

# So weak that the pairs decide.
_VAGUE = Prior(-5.0, 1.0)


def prior_measures(data: Path, cache: Path, encoder: Encoder) -> list[Measure]:
    """Offset and slope of each kind's prior, as `indexer.calibration.model.PRIORS` has them.

    Each catalog counts as much as any other.
    """
    folder = cache / "training"
    folder.mkdir(parents=True, exist_ok=True)
    fashion = catalog_table(data, FASHION).take(read_rows(data, FASHION).train[::9])
    photos = named_photos(data, read_rows(data, GROCERY_PHOTOS).train[::2])
    clothing = catalog_table(data, CLOTHING).take(read_rows(data, CLOTHING).train[::2])
    drawn = []
    for name, table in (("fashion", fashion), ("photos", photos), ("clothing", clothing)):
        pq.write_table(table, folder / f"{name}.parquet")
        build_index(folder / f"{name}.parquet", folder / name, encoder, BuildOptions(workers=1))
        drawn.append(draw_pairs(Index.open(folder / name), encoder))
    measures = []
    for kind in QueryKind:
        pairs = [found for one in drawn if (found := _standard(one, kind)) is not None]
        fitted = fit_calibration(Pairs.join(pairs), Background(0.0, 1.0), _VAGUE)
        measures.append(Measure(f"prior_{kind}_offset", fitted.offset))
        measures.append(Measure(f"prior_{kind}_slope", fitted.slope))
    return measures


def _standard(drawn: LabelledPairs, kind: QueryKind) -> Pairs | None:
    """Pairs with cosines in the background's units, and nothing said by the query's own vector."""
    pairs, background = drawn.pairs[kind], drawn.backgrounds[kind]
    if pairs is None:
        return None
    return Pairs(
        np.zeros((len(pairs), 1), np.float32),
        (pairs.scores - background.mean) / background.sd,
        pairs.right,
        1000 * pairs.weights / pairs.weights.sum(),
    )
