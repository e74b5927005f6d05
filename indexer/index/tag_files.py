"""Tag files: a taxonomy, its fit, and the labels of the products of each segment.

They are stored beside the segments, so that another taxonomy leaves the segments unchanged. Each
file is written once, named by the manifests that use it, and removed with the last of them.
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
from indexer.storage import (
    FileRecord,
    Layout,
    NamedFile,
    map_file,
    replace_file,
    sha256_of,
    verify_file,
)

__all__ = ["TagTable", "new_file", "open_tags", "verify_tag_file", "write_tags"]


@dataclass(frozen=True)
class TagTable:
    """The tags of a segment's products.

    Attributes:
        file: The file that stores them.
        table: A row for each product, deleted ones included, and a column of labels for each group
            of the taxonomy; the list is empty where the model is not sure.
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
        DamagedIndexError: The file is missing, changed, or does not fit the segment.
    """
    path = verify_tag_file(layout, file)
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
        suffix: The end of its name.
        write: Writes the file, durably, at the path that it is given.
    """
    layout.tags.mkdir(exist_ok=True)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}{suffix}"
    path = layout.tags / name
    write(path)
    return NamedFile(name, FileRecord(path.stat().st_size, sha256_of(path)))


def verify_tag_file(layout: Layout, file: NamedFile) -> Path:
    """Return the path of a file of the tags' folder after checking it against the manifest.

    Raises:
        DamagedIndexError: The file is missing or changed.
    """
    path = layout.tags / file.name
    verify_file(path, file.record, f"tags/{file.name}")
    return path
