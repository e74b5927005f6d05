"""Reading of one large CSV file, beside Python's own `csv.reader`; run as a process of its own.

`python -m scripts.benchmarks.catalogs.reading FILE` prints one JSON object.
"""

from __future__ import annotations

import csv
import json
import random
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from indexer.catalog import CatalogRow, FieldTyper, open_catalog
from scripts.support.measuring import Measure
from scripts.support.processes import run

__all__ = ["measures", "write_rows"]

_TARGET_RATIO, _TARGET_MB = 8.0, 600.0
_PICTURES = 100
_LIMIT = 3600.0
_REPEATS = 3
_HEADER = ("id", "image", "title", "brand", "colour", "price", "stock", "ean", "new", "released")


def write_rows(folder: Path, count: int) -> Path:
    """Write a catalog of so many products with ten columns, and its pictures; returns its file."""
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for number in range(_PICTURES):
        (folder / "pictures" / f"{number}.jpg").touch()
    path = folder / "products.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADER)
        writer.writerows(_rows(count))
    return path


def _rows(count: int) -> Iterator[tuple[object, ...]]:
    rng = random.Random(1)
    for number in range(count):
        yield (
            f"p{number}", f"pictures/{number % _PICTURES}.jpg",
            f"Product number {number} in blue, large", rng.choice(("Northwind", "Acme", "Contoso")),
            rng.choice(("red", "blue", "green")), f"{rng.random() * 1000:.2f}", rng.randrange(1000),
            f"0{rng.randrange(10**12):012}", rng.choice(("true", "false")),
            f"20{rng.randrange(10, 27)}-0{rng.randrange(1, 10)}-1{rng.randrange(10)}",
        )  # fmt: skip


def measures(folder: Path, count: int) -> Iterator[Measure]:
    """Read and type a large catalog in a process of its own."""
    path = write_rows(folder, count)
    command = [sys.executable, "-m", "scripts.benchmarks.catalogs.reading", str(path)]
    found = json.loads(run(command, limit=_LIMIT))
    note = f"{count:,} rows, {found['seconds']:.1f} s against {found['bare']:.2f} s"
    ratio = found["seconds"] / found["bare"]
    yield Measure("reading_to_csv_reader_ratio", ratio, _TARGET_RATIO, "lower", note=note)
    yield Measure("reading_peak_megabytes", found["megabytes"], _TARGET_MB, "lower", note=note)


def _bare(path: Path) -> float:
    start = time.process_time()
    with path.open(encoding="utf-8", newline="") as file:
        for _ in csv.reader(file):
            pass
    return time.process_time() - start


def _read(path: Path) -> float:
    start = time.process_time()
    catalog = open_catalog(path)
    typer = FieldTyper(parse_text=catalog.untyped)
    for row in catalog.rows():
        if isinstance(row, CatalogRow):
            typer.observe(row.fields, row.line, row.id)
    typer.types()
    return time.process_time() - start


def _main(path: Path) -> None:
    seconds = _read(path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    bare = min(_bare(path) for _ in range(_REPEATS))
    print(json.dumps({"seconds": seconds, "bare": bare, "megabytes": peak}))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
