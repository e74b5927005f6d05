"""Time of commands on large catalogs: an unchanged rebuild, duplicates and a report.

The indexes are built once with the shipped model and kept in the cache. The catalog of 100 thousand
products is the shared one of clothes, and for each product two more that show a part of its picture
in other colours: near to it, as variants are, and no duplicates of it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from scripts.support.measuring import Measure
from scripts.support.processes import LOOKALIKE, run, timed

__all__ = [
    "DUPLICATES",
    "REBUILD",
    "REPORT",
    "duplicates_and_report",
    "unchanged_rebuild",
    "write_variants",
]

REBUILD = "unchanged_rebuild_seconds"
DUPLICATES = "duplicates_100k_seconds"
REPORT = "report_100k_seconds"

# Products of the catalog that is examined.
_LARGE = 100_000
_REBUILD_SECONDS, _EXAMINE_SECONDS = 3.0, 120.0
_LIMIT = 3600.0
_BATCH = 1024
# Orders of the colour channels; the first is that of the picture itself.
_CHANNELS = ((0, 1, 2), (1, 2, 0), (2, 0, 1))
# Shares of a picture's sides that a variant shows.
_LEAST_SHOWN, _MOST_SHOWN = 0.55, 0.8


def unchanged_rebuild(data: Path, cache: Path, repeats: int) -> Iterator[Measure]:
    """Time `lookalike index build` of the catalog of clothes where nothing changed.

    Args:
        data: The folder of the shared catalogs.
        cache: Keeps the index between runs.
        repeats: Runs, of which the quickest counts.

    Raises:
        RuntimeError: A command failed, it published, or the catalogs are not there.
    """
    catalog = cache / "large-catalogs" / "fashion"
    catalog.mkdir(parents=True, exist_ok=True)
    for path in _files(data):
        if not (catalog / path.name).exists():
            (catalog / path.name).symlink_to(path.resolve())
    index = catalog.with_name("fashion-index")
    _build(catalog, index)
    seconds = [timed(_build_command(catalog, index), limit=_LIMIT) for _ in range(repeats)]
    rebuilt = _build(catalog, index)
    if rebuilt["published"]:
        raise RuntimeError("the rebuild was to change nothing, and it published")
    note = f"{rebuilt['products']:,} products"
    yield Measure(REBUILD, min(seconds), _REBUILD_SECONDS, "lower", note=note)


def duplicates_and_report(data: Path, cache: Path, count: int = _LARGE) -> Iterator[Measure]:
    """Time `lookalike index duplicates` and `index report` of a catalog with variants.

    Args:
        data: The folder of the shared catalogs.
        cache: Keeps the catalog and its index between runs.
        count: Number of products.

    Raises:
        RuntimeError: A command failed, or the catalogs are not there.
    """
    folder = cache / "large-catalogs"
    catalog = folder / f"variants-{count}.parquet"
    if not catalog.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_variants(data, catalog, count)
    index = folder / f"variants-{count}-index"
    _build(catalog, index)
    for name, command in ((DUPLICATES, "duplicates"), (REPORT, "report")):
        arguments = ["index", command, "--index", str(index), "--json"]
        seconds = timed([*LOOKALIKE, *arguments], limit=_LIMIT)
        note = f"{count:,} products"
        yield Measure(name, seconds, _EXAMINE_SECONDS, "lower", note=note)


def _build_command(catalog: Path, index: Path) -> list[str]:
    return [*LOOKALIKE, "index", "build", str(catalog), "--index", str(index), "--json"]


def _build(catalog: Path, index: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(run(_build_command(catalog, index), limit=_LIMIT))
    return report


def write_variants(data: Path, path: Path, count: int) -> None:
    """Write a Parquet catalog of `count` products: those of the shared catalog, then variants."""
    partial = path.with_suffix(".partial")
    schema = pq.read_schema(_files(data)[0])
    written = 0
    with pq.ParquetWriter(partial, schema) as writer:
        for number, channels in enumerate(_CHANNELS):
            rng = np.random.default_rng(number)
            for batch in _batches(data):
                rows = batch.slice(0, count - written).to_pylist()
                written += len(rows)
                if number:
                    rows = [_variant(row, number, channels, rng) for row in rows]
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    if written < count:
        raise ValueError(f"{count:,} products are more than this catalog and its variants")
    partial.rename(path)


def _files(data: Path) -> list[Path]:
    """Return the files of the shared catalog.

    Raises:
        RuntimeError: It is not there.
    """
    files = sorted(data.glob("fashion-train-*.parquet"))
    if not files:
        raise RuntimeError(f"the shared catalogs are not in {data}; name their folder with --data")
    return files


def _batches(data: Path) -> Iterator[pa.RecordBatch]:
    for path in _files(data):
        yield from pq.ParquetFile(path).iter_batches(_BATCH)


def _variant(
    row: dict[str, Any], number: int, channels: Sequence[int], rng: np.random.Generator
) -> dict[str, Any]:
    """Return a product like another: a part of its picture, in other colours."""
    with Image.open(io.BytesIO(row["image"])) as opened:
        image = opened.convert("RGB")
    width, height = (round(side * rng.uniform(_LEAST_SHOWN, _MOST_SHOWN)) for side in image.size)
    left = int(rng.integers(0, image.width - width + 1))
    top = int(rng.integers(0, image.height - height + 1))
    shown = image.crop((left, top, left + width, top + height)).resize(image.size)
    coloured = Image.merge("RGB", [shown.split()[channel] for channel in channels])
    out = io.BytesIO()
    coloured.save(out, "JPEG", quality=90)
    return {
        **row,
        "id": f"{row['id']}-{number}",
        "image": out.getvalue(),
        "title": f"{row['title']} variant {number}",
    }
