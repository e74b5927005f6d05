"""Cost of an update against a full build, on real images with the shipped model."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from embeddings import load_encoder
from indexer.build import build_index
from scripts.support.measuring import Measure

__all__ = ["updating"]


def updating(data: Path, limit: int | None = None) -> list[Measure]:
    """Build fashion-train-0000 without 1% of its products, add them, and change one product.

    Start-up is the time of a build of a single product, since that does everything once.

    Args:
        data: The folder of the shared catalogs.
        limit: How many products at most; None for all.
    """
    encoder = load_encoder("compact")
    whole = pq.read_table(data / "fashion-train-0000.parquet")[:limit]
    most = whole[: len(whole) - len(whole) // 100]
    years = whole["year"].to_pylist()
    changed = whole.set_column(
        whole.column_names.index("year"), "year", pa.array([1999, *years[1:]], pa.int64())
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        steps = {"one": whole[:1], "most": most, "whole": whole, "changed": changed}
        for step, table in steps.items():
            pq.write_table(table, folder / f"{step}.parquet")
        startup = build_index(folder / "one.parquet", folder / "tiny", encoder)
        full = build_index(folder / "most.parquet", folder / "index", encoder)
        added = build_index(folder / "whole.parquet", folder / "index", encoder)
        edited = build_index(folder / "changed.parquet", folder / "index", encoder)
        nothing = build_index(folder / "changed.parquet", folder / "index", encoder)
    allowed = startup.seconds + 0.02 * full.seconds
    return [
        Measure("full_build_seconds", full.seconds, None, "lower"),
        Measure("startup_seconds", startup.seconds, None, "lower"),
        Measure("add_1pct_to_allowed_ratio", added.seconds / allowed, 1.0, "lower"),
        Measure("add_1pct_to_full_ratio", added.seconds / full.seconds, None, "lower"),
        Measure("add_1pct_embedded", added.embedded, len(whole) // 100, "lower"),
        Measure("change_one_embedded", edited.embedded, 0, "lower"),
        Measure("change_one_seconds", edited.seconds, None, "lower"),
        Measure("change_nothing_seconds", nothing.seconds, None, "lower"),
    ]
