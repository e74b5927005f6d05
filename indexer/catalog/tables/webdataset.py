"""WebDataset tables: tar archives in which files of one name are one record."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any

from indexer.catalog.images import is_ignored
from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import Reason
from indexer.catalog.tables.files import compression_of, open_bytes
from indexer.catalog.tables.table import BrokenRecord, Record, Roles, Table, TableDescription
from indexer.errors import CatalogError, RowError

__all__ = ["WebDataset"]

_IMAGES = re.compile(r"(?:.*\.)?(?:jpe?g|png|webp|gif|bmp|tiff?|avif|heic)", re.IGNORECASE)
_TEXTS = {"txt": "caption", "caption": "caption", "cls": "class"}
_MAX_IMAGE_BYTES = 2**26
_MAX_TEXT_BYTES = 2**24
# More files of one name are no product.
_MOST_FILES = 100


class WebDataset(Table):
    """Tar archives as WebDataset and img2dataset write them, read one after another.

    `0001.jpg`, `0001.json` and `0001.txt` are the image, the fields and the caption of product
    `0001`. The `line` of a record is its product, from 1, counted through all archives. Nothing is
    unpacked to disk.

    Args:
        path: The archive, or the folder of the archives.
        archives: The archives, in order.
    """

    roles = Roles("id", ("image",))

    def __init__(self, path: Path, archives: list[Path]) -> None:
        super().__init__(path)
        self._archives = archives

    @property
    def description(self) -> TableDescription:
        """As `Table.description`."""
        count = len(self._archives)
        return TableDescription(
            "WebDataset",
            part=f"{count} archives" if count > 1 else None,
            compression=compression_of(self._archives[0]),
        )

    def records(self, roles: Roles | None = None) -> Iterator[Record | BrokenRecord]:  # noqa: ARG002
        """As `Table.records`."""
        line = 0
        for path in self._archives:
            for key, files in groupby(_files(path), lambda file: _key(file[0])):
                line += 1
                taken = list(_first(files))
                try:
                    yield Record(line, _values(key, taken))
                except RowError as error:
                    yield BrokenRecord(line, error, {"id": key})


_File = tuple[str, int, bytes]


def _files(path: Path) -> Iterator[_File]:
    """Yield name, size and content of each regular file; the content of a large one is empty."""
    try:
        with open_bytes(path) as source, tarfile.open(fileobj=source, mode="r|") as archive:
            for member in archive:
                hidden = any(is_ignored(part) for part in PurePosixPath(member.name).parts
                             if part not in (".", ".."))  # fmt: skip
                if not member.isreg() or hidden:
                    continue
                file = archive.extractfile(member) if member.size <= _MAX_IMAGE_BYTES else None
                data = b"" if file is None else file.read()
                if file is not None and len(data) < member.size:
                    raise tarfile.ReadError("unexpected end of data")
                yield member.name, member.size, data
    except (tarfile.TarError, EOFError) as error:
        raise CatalogError(
            f"{quote_for_message(path.name)} is not a tar archive, or is cut short "
            f"({quote_for_message(str(error))}); copy it again"
        ) from error


def _key(name: str) -> str:
    folder, slash, file = name.rpartition("/")
    return (folder + slash).removeprefix("./") + file.partition(".")[0]


def _first(files: Iterator[_File]) -> Iterator[_File]:
    for number, file in enumerate(files):
        if number < _MOST_FILES:
            yield file


def _values(key: str, files: list[_File]) -> dict[str, object]:
    if key.startswith("/") or ".." in PurePosixPath(key).parts:
        raise RowError(
            Reason.BAD_PATH,
            f"the name {quote_for_message(key)} leads out of the archive; pack it again",
        )
    values: dict[str, object] = {}
    images: list[bytes] = []
    for name, size, data in files:
        ending = name.rpartition("/")[2].partition(".")[2].lower()
        if _IMAGES.fullmatch(ending):
            if size > _MAX_IMAGE_BYTES:
                raise RowError(Reason.IMAGE_TOO_LARGE, f"the image has {size:,} bytes")
            images.append(data)
        elif ending == "json":
            values |= _fields(key, data, size)
        elif ending in _TEXTS and size <= _MAX_TEXT_BYTES:
            values.setdefault(_TEXTS[ending], data.decode("utf-8", "replace").strip())
    return {**values, "id": key, "image": images}


def _fields(key: str, data: bytes, size: int) -> dict[str, Any]:
    try:
        values = json.loads(data) if size <= _MAX_TEXT_BYTES else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise RowError(Reason.BAD_JSON, "its .json file is not a JSON object; correct it")
    if values.get("key") == key.rpartition("/")[2]:
        del values["key"]  # img2dataset gives the name of the file once more
    return {f"json {n}" if n in ("id", "image") else n: value for n, value in values.items()}
