"""Encodings: which one a text file has, decided once from a look at all of it."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.tables.files import open_bytes
from indexer.catalog.tables.text.latin import LATIN, best_latin
from indexer.errors import CatalogError

__all__ = ["ESCAPED", "Survey", "survey"]

_CHUNK_BYTES = 2**20
# Of lines that are not ASCII, what the detector is shown.
_SAMPLE_BYTES = 2**17
# A file is UTF-8 if all but this share of its lines are, if more of its lines are UTF-8 beyond
# ASCII than are not, or if there are more letters in UTF-8 than bytes that are none. Its other
# lines are broken.
_MOST_BAD = 0.01
# Text in UTF-16 without a byte order mark: at least this share of either half of its bytes is zero.
_ZEROS = 0.3

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What catalogs come in. With every encoding allowed, the detector takes German for MacIceland.
_LEGACY = [
    "windows-1252", "windows-1250", "windows-1251", "windows-1253", "windows-1254", "koi8-r",
    "cp932", "euc-jp", "gb18030", "big5", "cp949",
]  # fmt: skip
_NAMES = {
    "utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32", "windows-1252": "Windows-1252", "windows-1250": "Windows-1250",
    "windows-1251": "Windows-1251", "windows-1253": "Windows-1253",
    "windows-1254": "Windows-1254", "windows-1257": "Windows-1257", "iso8859-2": "ISO-8859-2",
    "mac-roman": "Mac Roman", "koi8-r": "KOI8-R", "cp932": "Shift-JIS", "euc-jp": "EUC-JP",
    "gb18030": "GB18030", "big5": "Big5", "cp949": "EUC-KR",
}  # fmt: skip

_OTHER_ALPHABETS = frozenset({"windows-1251", "windows-1253", "koi8-r"})

_WORD = re.compile(r"[\w\u2500-\u259f]+")

ESCAPED = re.compile("[\udc00-\udcff]")
"""Matches what takes the place of a byte that is not text in the encoding."""


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Replace bytes that can't be decoded by `ESCAPED` characters, one for each."""
    assert isinstance(error, UnicodeDecodeError)
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


codecs.register_error("lookalike.escape", _escape)


@dataclass(frozen=True)
class Survey:
    """What a look at all bytes of a text file found.

    Attributes:
        encoding: Name of the codec.
        mark: Length of the byte order mark.
        lines: Number of lines, at most.
        line_end: The character that ends a line: a line feed, or a carriage return in files of
            old Macs.
    """

    encoding: str
    mark: int
    lines: int
    line_end: str

    @property
    def name(self) -> str:
        """Name of the encoding for people."""
        return _NAMES.get(self.encoding, self.encoding)


def survey(path: Path, encoding: str | None = None, *, unicode: bool = False) -> Survey:
    """Look at a text file, and decide its encoding.

    By its byte order mark; else UTF-8 if (nearly) all of it is valid; else as the detector says of
    the lines that are not ASCII.

    Args:
        path: The file, perhaps compressed.
        encoding: The encoding, if it is known.
        unicode: Whether it is UTF-8, UTF-16 or UTF-32 in any case.

    Raises:
        CatalogError: There is no such encoding, or the file is no text.
        OSError: It can't be read.
    """
    with open_bytes(path) as file:
        head = file.read(_CHUNK_BYTES)
        mark, found = next(
            ((len(mark), name) for mark, name in _MARKS if head.startswith(mark)), (0, None)
        )
        counts = _count(head[mark:], file)
    codec = (
        _known(encoding) if encoding else found or _wide(head) or counts.encoding(unicode=unicode)
    )
    line_end = "\r" if not counts.line_feeds and counts.returns else "\n"
    lines = counts.returns if line_end == "\r" else counts.line_feeds
    return Survey(codec, mark, lines + counts.unfinished, line_end)


def _known(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise CatalogError(
            f"there is no encoding {quote_for_message(encoding)}; give one such as utf-8, utf-16 "
            "or windows-1252"
        ) from None


def _wide(head: bytes) -> str | None:
    """Return the kind of UTF-16 that bytes without a byte order mark are, if they are."""
    even, odd = head[0::2], head[1::2]
    if not odd:
        return None
    zeros = even.count(0) / len(even), odd.count(0) / len(odd)
    if zeros[1] >= _ZEROS > zeros[0]:
        return "utf-16-le"
    return "utf-16-be" if zeros[0] >= _ZEROS > zeros[1] else None


@dataclass
class _Counts:
    line_feeds: int = 0
    returns: int = 0
    bad_lines: int = 0
    utf8_lines: int = 0  # that are not ASCII; of chunks without bad lines, all
    bad_bytes: int = 0  # of lines that are not UTF-8
    letters: int = 0  # beyond ASCII, of such lines
    unfinished: int = 0
    sample: bytes = b""

    def encoding(self, *, unicode: bool) -> str:
        lines = max(self.line_feeds, self.returns) + self.unfinished
        few = self.bad_lines <= max(_MOST_BAD * lines, self.utf8_lines)
        if unicode or few or self.letters > self.bad_bytes:
            return "utf-8"
        return _detect(self.sample)


def _count(head: bytes, file: BinaryIO) -> _Counts:
    counts, last = _Counts(), b"\n"
    for chunk in _whole_lines(head, file):
        counts.line_feeds += chunk.count(b"\n")
        counts.returns += chunk.count(b"\r")
        last = chunk[-1:]
        if chunk.isascii():
            continue
        if len(counts.sample) < _SAMPLE_BYTES:
            lines = (line for line in re.split(rb"[\r\n]+", chunk) if not line.isascii())
            counts.sample += b"\n".join(lines)[:_SAMPLE_BYTES] + b"\n"
        try:
            chunk.decode("utf-8")
        except UnicodeDecodeError:
            lines = (line for line in re.split(rb"[\r\n]+", chunk) if not line.isascii())
            for line in lines:
                text = line.decode("utf-8", "lookalike.escape")
                bad = len(ESCAPED.findall(text))
                counts.bad_lines += bool(bad)
                counts.utf8_lines += not bad
                counts.bad_bytes += bad
                counts.letters += sum(not letter.isascii() for letter in text) - bad
        else:
            counts.utf8_lines += chunk.count(b"\n") + 1
    counts.unfinished = int(last not in (b"\n", b"\r"))
    return counts


def _whole_lines(head: bytes, file: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes in chunks that end with a line, where lines are not longer than a chunk."""
    rest, chunk = b"", head
    while chunk:
        chunk = rest + chunk
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1 or len(chunk)
        yield chunk[:end]
        rest, chunk = chunk[end:], file.read(_CHUNK_BYTES)
    if rest:
        yield rest


def _detect(sample: bytes) -> str:
    # Only files that are not UTF-8 need it.
    import chardet

    found = chardet.detect(sample, include_encodings=_LEGACY)["encoding"]
    codec = found.lower() if found and found.lower() in _NAMES else "windows-1252"
    if codec in _OTHER_ALPHABETS and _mixes_scripts(sample.decode(codec, "ignore")):
        codec = "windows-1252"
    return best_latin(sample, codec) if codec in LATIN else codec


def _mixes_scripts(text: str) -> bool:
    """Whether words mix letters of the Latin and of another alphabet, as in a wrong decoding.

    So do words with lines and blocks in them, which some encodings have in the place of letters.
    """
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    mixed = sum(len(set(map(_script, filter(_is_letter, word)))) > 1 for word in words)
    return mixed > len(words) / 2


def _is_letter(character: str) -> bool:
    return character.isalpha() or "\u2500" <= character <= "\u259f"


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]
