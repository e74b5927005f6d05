"""Recognition of formats by the first bytes of a file."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.tables.files.compression import compression_of, open_bytes
from indexer.errors import CatalogError

__all__ = ["ending_of", "text_ending", "text_head"]

_HEAD_BYTES = 2**16
_BINARY = {
    b"PK\3\4": "a zip archive or a spreadsheet (.xlsx, .ods)",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"SQLite format 3": "an SQLite database",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF document",
}
_ENDINGS = {
    b"PAR1": ".parquet",
    b"ARROW1": ".arrow",
    b"SQLite format 3": ".sqlite",
    b"\xd0\xcf\x11\xe0": ".xls",
}
# After a byte order mark and blanks.
_WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_JSON = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*\{|\{\s*")')
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|rss|feed)\b", re.IGNORECASE)
_TAR_MAGIC = slice(257, 262)


def text_head(path: Path) -> bytes:
    """Return the first bytes of a file that has the name of a text file.

    Raises:
        CatalogError: They are those of something else, or it can't be unpacked.
        OSError: It can't be read.
    """
    with open_bytes(path) as file:
        head = file.read(_HEAD_BYTES)
    what = next((what for magic, what in _BINARY.items() if head.startswith(magic)), None)
    if what is None and _WEB_PAGE.match(head):
        what = "a web page, such as an error or a form to log in"
    if what is not None:
        raise CatalogError(
            f"{quote_for_message(path.name)} is named like text, but is {what}; give it the "
            "right ending, or export it again as CSV"
        )
    return head


def text_ending(head: bytes) -> str | None:
    """Return the ending of the format that the first bytes of a text are in; None for CSV."""
    if _JSON.match(head):
        return ".jsonl" if _is_object(head.partition(b"\n")[0]) else ".json"
    return ".xml" if _XML.match(head) else None


def ending_of(path: Path) -> str:
    """Return the ending that a file without one should have.

    Raises:
        CatalogError: It can't be unpacked.
        OSError: It can't be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.startswith(b"PK\3\4"):
        return _ending_of_zip(path)
    for magic, ending in _ENDINGS.items():
        if head.startswith(magic):
            return ending
    with open_bytes(path) as plain:
        head = plain.read(_HEAD_BYTES)
    packed = {"gzip": ".gz", "bzip2": ".bz2", "zstd": ".zst"}.get(compression_of(path) or "", "")
    if head[_TAR_MAGIC] == b"ustar":
        return ".tar"
    return (text_ending(head) or ".csv") + packed


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line.removeprefix(b"\xef\xbb\xbf")), dict)
    except (ValueError, RecursionError):
        return False


def _ending_of_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return ".zip"
    if "content.xml" in names:
        return ".ods"
    return ".xlsx" if any(name.startswith("xl/") for name in names) else ".zip"
