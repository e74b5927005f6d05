"""Text files: lines of any length, encoding and compression, in batches."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from indexer.catalog.rows import Reason
from indexer.catalog.tables.files import compression_of, open_bytes, plain_name
from indexer.catalog.tables.text.encodings import ESCAPED, survey
from indexer.errors import RowError

__all__ = ["BATCH_LINES", "MAX_RECORD_CHARACTERS", "Batch", "TextFile"]

# Characters of one row. Descriptions and lists of images of megabytes fit; an unclosed quote, or a
# file without line ends, does not fill the memory.
MAX_RECORD_CHARACTERS = 2**24
BATCH_LINES = 1000
"""Number of lines in a batch, at most."""
_CHUNK_BYTES = 2**18


@dataclass(frozen=True)
class Batch:
    """Some lines of a file, one after another.

    Attributes:
        number: Number of the first line, from 1.
        lines: The lines with their ends; None in place of one of more than `MAX_RECORD_CHARACTERS`.
        clean: Whether no line has a byte that is not text, or a NUL.
    """

    number: int
    lines: list[str | None]
    clean: bool


class TextFile:
    """A text file, perhaps compressed.

    Args:
        path: The file.
        encoding: Its encoding, if it is known; else it is found.
        unicode: Whether it is UTF-8, UTF-16 or UTF-32 in any case, as JSON is.

    Raises:
        CatalogError: There is no such encoding, or the file can't be unpacked.
        OSError: It can't be read.
    """

    def __init__(self, path: Path, encoding: str | None = None, *, unicode: bool = False) -> None:
        self.path = path
        self.name = plain_name(path)
        self.compression = compression_of(path)
        self._survey = survey(path, encoding, unicode=unicode)
        self.encoding = self._survey.name
        self.count = self._survey.lines

    def batches(self) -> Iterator[Batch]:
        """Yield the lines from the beginning.

        Raises:
            CatalogError: The file can't be unpacked.
            OSError: It can't be read.
        """
        number = 1
        for text in self._texts():
            if text is None:
                yield Batch(number, [None], clean=True)
                number += 1
                continue
            clean = "\0" not in text and (text.isascii() or ESCAPED.search(text) is None)
            lines = io.StringIO(text, newline="\n")
            while batch := list(islice(lines, BATCH_LINES)):
                yield Batch(number, list(batch), clean)
                number += len(batch)

    def lines(self) -> Iterator[tuple[int, str | None]]:
        """Yield each line with its number; None in place of one that is too long."""
        for batch in self.batches():
            yield from enumerate(batch.lines, start=batch.number)

    def check(self, line: int, text: str) -> None:
        """Check that a line is text.

        Raises:
            RowError: `bad_utf8`, `bad_encoding` or `nul_byte`.
        """
        bad = ESCAPED.search(text)
        if bad is not None:
            codec = self._survey.encoding
            byte = len(text[: bad.start()].encode(codec, "replace")) + 1
            is_utf8 = codec == "utf-8"
            raise RowError(
                Reason.BAD_UTF8 if is_utf8 else Reason.BAD_ENCODING,
                f"byte {byte} of line {line} (0x{ord(bad.group()) & 0xFF:02x}) is not "
                f"{self.encoding} text; save the file as UTF-8"
                + ("" if is_utf8 else ", or name its encoding with --encoding"),
            )
        if "\0" in text:
            raise RowError(Reason.NUL_BYTE, f"line {line} has a NUL byte in it; remove it")

    def _texts(self) -> Iterator[str | None]:
        """Yield texts of whole lines; None in place of a line that is too long."""
        found = self._survey
        decoder = codecs.getincrementaldecoder(found.encoding)("lookalike.escape")
        rest, too_long = "", False
        with open_bytes(self.path) as file:
            file.read(found.mark)
            while True:
                chunk = file.read(_CHUNK_BYTES)
                text = decoder.decode(chunk, final=not chunk)
                if found.line_end == "\r":
                    text = text.replace("\r", "\n")
                end = text.rfind("\n") + 1
                if too_long and end:
                    # The rest of a long line ends here.
                    text = text[text.find("\n") + 1 :]
                    end = text.rfind("\n") + 1
                    too_long = False
                    yield None
                if not too_long:
                    if whole := rest + text[:end] if end else "":
                        yield whole
                    rest = text[end:] if end else rest + text
                    if len(rest) > MAX_RECORD_CHARACTERS:
                        rest, too_long = "", True
                if not chunk:
                    break
        if too_long:
            yield None
        elif rest:
            yield rest
