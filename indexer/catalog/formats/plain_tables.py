"""CSV, TSV, JSON Lines and Parquet files that are no catalogs, as rows of named values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.catalog.formats.arrow_values import Unreadable, field_values, image_values
from indexer.catalog.formats.csv_records import BrokenRecord, Record, read_records
from indexer.catalog.formats.jsonl import parse_object
from indexer.catalog.formats.text_lines import read_lines
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import BadRow, Reason
from indexer.errors import CatalogError, RowError

__all__ = ["TableRow", "read_table"]

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_BATCH_ROWS = 256


@dataclass(frozen=True)
class TableRow:
    """One row.

    Attributes:
        line: As `indexer.catalog.CatalogRow` has it.
        values: Of every column; those that are empty or missing are None. Text in CSV and TSV;
            in JSON Lines what JSON gives; in Parquet text, numbers and booleans, lists and structs
            as JSON text.
    """

    line: int
    values: Mapping[str, object]


def read_table(path: Path, image_column: str) -> Iterator[TableRow | BadRow]:
    """Read a file row by row, in order.

    Args:
        path: Its ending tells its format: `.csv`, `.tsv`, `.jsonl`, `.ndjson`, `.parquet`, `.pq`.
        image_column: The column that may hold pictures' bytes in Parquet; no other does.

    Raises:
        CatalogError: It can't be read as a whole: no such file, unknown format, a header that
            can't be used, damage.
    """
    if not path.is_file():
        raise CatalogError(f"there is no file {quote_for_message(str(path))}; check the path")
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
                    f"{quote_for_message(path.name)} is of no known format; give a file that "
                    "ends in .csv, "
                    ".tsv, .jsonl or .parquet"
                )
    except OSError as error:
        raise CatalogError(
            f"{quote_for_message(path.name)} can't be read: "
            f"{error.strerror or quote_for_message(str(error))}"
        ) from error


def _delimited(path: Path, delimiter: str) -> Iterator[TableRow | BadRow]:
    records = read_records(read_lines(path), delimiter)
    header = _header(path, next(records, None))
    for record in records:
        if isinstance(record, BrokenRecord):
            yield _bad(record.line, record.problem)
        elif len(record.cells) != len(header):
            message = (
                f"the row has {len(record.cells)} cells and the header {len(header)}; add or "
                "remove cells, and quote cells that contain the separator"
            )
            yield BadRow(record.line, None, Reason.RAGGED_ROW, message)
        else:
            cells = (cell.strip() or None for cell in record.cells)
            yield TableRow(record.line, dict(zip(header, cells, strict=True)))


def _header(path: Path, first: Record | BrokenRecord | None) -> list[str]:
    if first is None:
        raise CatalogError(f"{quote_for_message(path.name)} is empty; it needs a header and rows")
    if isinstance(first, BrokenRecord):
        raise CatalogError(
            f"the header of {quote_for_message(path.name)} can't be read: {first.problem}"
        )
    header = [cell.strip() for cell in first.cells]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise CatalogError(
            f"{quote_for_message(path.name)} has more than one column named "
            f"{quote_for_message(twice[0])}; give every "
            "column its own name"
        )
    return header


def _json_lines(path: Path) -> Iterator[TableRow | BadRow]:
    for line in read_lines(path):
        if not line.too_long and not line.content.strip():
            continue
        try:
            yield TableRow(line.number, parse_object(line))
        except RowError as error:
            yield _bad(line.number, error)


def _parquet(path: Path, image_column: str) -> Iterator[TableRow | BadRow]:
    try:
        # pyarrow would try a path as a URL as well; an open file is nothing but the file.
        with path.open("rb") as source:
            file = pq.ParquetFile(source, page_checksum_verification=True)
            line = 1
            for batch in file.iter_batches(_BATCH_ROWS, use_threads=False):
                yield from _rows(line, batch, image_column)
                line += batch.num_rows
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise CatalogError(
            f"{quote_for_message(path.name)} is no Parquet file, or is damaged; write it anew "
            f"({quote_for_message(str(error))})"
        ) from error


def _rows(line: int, batch: pa.RecordBatch, image_column: str) -> Iterator[TableRow | BadRow]:
    columns: dict[str, Sequence[object]] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        pictures = name == image_column
        columns[name] = _pictures(column) if pictures else field_values(column)
    for at in range(batch.num_rows):
        values = {name: column[at] for name, column in columns.items()}
        problems = (
            value.problem(name) for name, value in values.items() if isinstance(value, Unreadable)
        )
        problem = next(problems, None)
        yield TableRow(line + at, values) if problem is None else _bad(line + at, problem)


def _pictures(column: pa.Array) -> list[object]:
    """Each row's picture, None where there is none; a list of several stays one."""
    return [
        value if isinstance(value, Unreadable) or len(value) > 1 else next(iter(value), None)
        for value in image_values(column)
    ]


def _bad(line: int, problem: RowError) -> BadRow:
    return BadRow(line, None, problem.reason, problem.message)
