"""Tags on disk: a taxonomy, its fit, and the tags that it gave the products of each segment.

They stand beside the segments, so that another taxonomy leaves those as they are. Files are written
once, named by the manifests that use them, and removed with the last of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from indexer.catalog import FieldType, arrow_schema
from indexer.errors import DamagedIndexError
from indexer.storage import FileRecord, Layout, NamedFile, map_file, replace_file, sha256_of

__all__ = ["TagTable", "checked_file", "new_file", "open_tags", "write_tags"]


@dataclass(frozen=True)
class TagTable:
    """The tags of a segment's products.

    Attributes:
        file: The file they stand in.
        table: A row for each product, deleted ones included, and a column of labels for each group
            of the taxonomy; a product of which the model is not sure has an empty list.
    """

    file: NamedFile
    table: pa.Table


def write_tags(layout: Layout, table: pa.Table) -> NamedFile:
    """Write the tags of a segment, durably."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table)
    content = sink.getvalue().to_pybytes()
    return new_file(layout, ".arrow", lambda path: replace_file(path, content))


def open_tags(layout: Layout, file: NamedFile, products: int) -> TagTable:
    """Map the tags of a segment, after checking the file against the manifest.

    Args:
        layout: Of the index folder.
        file: As the manifest names it.
        products: How many products the segment has, deleted ones included.

    Raises:
        DamagedIndexError: It is missing, changed, or does not fit the segment.
    """
    path = checked_file(layout, file)
    try:
        table = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(map_file(path)))).read_all()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DamagedIndexError(f"tags/{file.name} can't be read.") from error
    labels = arrow_schema(dict.fromkeys(table.column_names, FieldType.LABELS))
    if table.num_rows != products or table.schema != labels:
        raise DamagedIndexError(
            f"tags/{file.name} does not hold labels of the {products} products of its segment."
        )
    return TagTable(file, table)


def new_file(layout: Layout, suffix: str, write: Callable[[Path], None]) -> NamedFile:
    """Write a file of the tags' folder under a new name.

    Args:
        layout: Of the index folder.
        suffix: How its name ends.
        write: Writes it, durably, where it is told to.
    """
    layout.tags.mkdir(exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}{suffix}"
    path = layout.tags / name
    write(path)
    return NamedFile(name, FileRecord(path.stat().st_size, sha256_of(path)))


def checked_file(layout: Layout, file: NamedFile) -> Path:
    """The path of a file of the tags' folder that is as the manifest says.

    Raises:
        DamagedIndexError: It is missing or changed.
    """
    path = layout.tags / file.name
    try:
        if path.stat().st_size == file.record.bytes and sha256_of(path) == file.record.sha256:
            return path
    except OSError as error:
        raise DamagedIndexError(f"tags/{file.name} is missing or can't be read.") from error
    raise DamagedIndexError(f"tags/{file.name} was changed after it was written.")
