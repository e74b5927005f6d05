"""Plain tables: rows of named values from CSV, TSV, JSON Lines and Parquet files of any columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from indexer.catalog.formats.arrow_values import Unreadable, field_values, image_values
from indexer.catalog.formats.columns import check_unique
from indexer.catalog.formats.csv_records import (
    BrokenRecord,
    check_cell_count,
    read_header,
    read_records,
)
from indexer.catalog.formats.jsonl import parse_object
from indexer.catalog.formats.parquet import open_parquet
from indexer.catalog.formats.text_lines import read_lines
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import BadRow
from indexer.errors import CatalogError, RowError

__all__ = ["TableRow", "read_table"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_BATCH_ROWS = 256


@dataclass(frozen=True)
class TableRow:
    """One row.

    Attributes:
        line: As in `indexer.catalog.CatalogRow`.
        values: The value of each column, None if it is empty or missing. Text in CSV and TSV;
            in JSON Lines what JSON gives; in Parquet text, numbers and booleans, lists and structs
            as JSON text.
    """

    line: int
    values: Mapping[str, object]


def read_table(path: Path, image_column: str) -> Iterator[TableRow | BadRow]:
    """Read a file row by row, in order.

    Args:
        path: Its ending tells its format: `.csv`, `.tsv`, `.jsonl`, `.ndjson`, `.parquet`, `.pq`.
        image_column: The column that may hold the bytes of images in Parquet.

    Raises:
        CatalogError: It can't be read as a whole: no such file, unknown format, an unusable
            header, damage.
    """
    quoted = quote_for_message(path.name)
    if not path.is_file():
        raise CatalogError(f"there is no file {str(path)!r}; check the path")
    try:
        match path.suffix.lower():
            case ".csv" | ".tsv" as ending:
                yield from _delimited(path, _DELIMITERS[ending])
            case ".jsonl" | ".ndjson":
                yield from _json_lines(path)
            case ".parquet" | ".pq":
                yield from _parquet(path, image_column)
            case _:
                raise CatalogError(
                    f"{quoted} has an unknown format; give a file that ends in .csv, .tsv, .jsonl "
                    "or .parquet"
                )
    except OSError as error:
        problem = error.strerror or quote_for_message(str(error))
        raise CatalogError(f"{quoted} can't be read: {problem}") from error


def _delimited(path: Path, delimiter: str) -> Iterator[TableRow | BadRow]:
    records = read_records(read_lines(path), delimiter)
    header = read_header(path.name, records)
    check_unique(path.name, header)
    for record in records:
        if isinstance(record, BrokenRecord):
            yield _bad_row(record.line, record.problem)
            continue
        try:
            check_cell_count(record, header)
        except RowError as error:
            yield _bad_row(record.line, error)
            continue
        cells = (cell.strip() or None for cell in record.cells)
        yield TableRow(record.line, dict(zip(header, cells, strict=True)))


def _json_lines(path: Path) -> Iterator[TableRow | BadRow]:
    for line in read_lines(path):
        if not line.too_long and not line.content.strip():
            continue
        try:
            yield TableRow(line.number, parse_object(line))
        except RowError as error:
            yield _bad_row(line.number, error)


def _parquet(path: Path, image_column: str) -> Iterator[TableRow | BadRow]:
    with open_parquet(path) as file:
        line = 1
        for batch in file.iter_batches(_BATCH_ROWS, use_threads=False):
            yield from _batch_rows(line, batch, image_column)
            line += batch.num_rows


def _batch_rows(line: int, batch: pa.RecordBatch, image_column: str) -> Iterator[TableRow | BadRow]:
    columns: dict[str, Sequence[object]] = {
        name: _images(column) if name == image_column else field_values(column)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
    for row in range(batch.num_rows):
        values = {name: column[row] for name, column in columns.items()}
        problems = (
            value.problem(name) for name, value in values.items() if isinstance(value, Unreadable)
        )
        problem = next(problems, None)
        yield TableRow(line + row, values) if problem is None else _bad_row(line + row, problem)


def _images(column: pa.Array) -> list[object]:
    """Return the image of each row, None if there is none; a list of several stays a list."""
    return [
        value if isinstance(value, Unreadable) or len(value) > 1 else next(iter(value), None)
        for value in image_values(column)
    ]


def _bad_row(line: int, problem: RowError) -> BadRow:
    return BadRow(line, None, problem.reason, problem.message)
