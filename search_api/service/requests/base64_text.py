"""Base64 as any tool writes it: line breaks, the URL-safe alphabet, no padding, data URLs."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

from search_api.service.errors import InvalidRequestError

__all__ = ["decode_base64"]

_DATA_URL = re.compile(r"\s*data:", re.IGNORECASE)
_STRANGE = re.compile(r"[^A-Za-z0-9+/_\-\s]", re.ASCII)

# The alphabet of URLs and file names (RFC 4648, 5) as the usual one.
_USUAL = bytes.maketrans(b"-_", b"+/")
_BLANKS = b" \t\r\n\v\f"
_GROUP = 4  # characters that hold three bytes


def decode_base64(name: str, text: str) -> bytes:
    """Decode the base64 of a request's field.

    Blanks and line breaks are skipped wherever they are, as MIME demands (RFC 2045, 6.8): `base64`,
    Java, PHP and Ruby break lines. `-` and `_` are read as `+` and `/`, and padding may be missing.
    Browsers put the header of a data URL before it.

    Args:
        name: The field, for messages.
        text: Its value.

    Raises:
        InvalidRequestError: It is not base64; the message names the first wrong character and its
            place.
    """
    data, skipped = _without_header(name, text)
    joined = data.encode("utf-8", "replace").translate(_USUAL, _BLANKS)
    body = joined.rstrip(b"=")
    try:
        # Strictly, or bytes outside the alphabet would be skipped.
        content = base64.b64decode(body + b"=" * (-len(body) % _GROUP), validate=True)
    except binascii.Error:
        strange = _STRANGE.search(data.rstrip(f"={_BLANKS.decode()}"))
        if strange is None:
            raise InvalidRequestError(_incomplete(name, len(body))) from None
        raise InvalidRequestError(_strange(name, skipped, strange)) from None
    if len(joined) - len(body) > 2:  # noqa: PLR2004 (RFC 4648, 4)
        raise InvalidRequestError(_incomplete(name, len(body)))
    return content


def _without_header(name: str, text: str) -> tuple[str, int]:
    """Return the base64 of a data URL, or the text itself, and the characters before it."""
    if not _DATA_URL.match(text):
        return text.removeprefix("\ufeff"), 0
    header, comma, data = text.partition(",")
    if not comma or not "".join(header.split()).lower().endswith(";base64"):
        raise InvalidRequestError(
            f"{name}: this data URL holds no base64; it should begin with data:image/jpeg;base64, "
            "or the like."
        )
    if "%" in data:  # some tools quote +, / and =
        data = unquote_to_bytes(data).decode("latin-1")
    return data, len(header) + 1


def _incomplete(name: str, length: int) -> str:
    return (
        f"{name}: this base64 is incomplete: {length:,} characters and their padding are no whole "
        "number of bytes; send the whole file."
    )


def _strange(name: str, skipped: int, found: re.Match[str]) -> str:
    place, character = skipped + found.start() + 1, found.group()
    if character == "=":
        return f"{name}: this is not base64: character {place:,} is =, which may only end it."
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    return (
        f"{name}: this is not base64: character {place:,} is {shown}; its alphabet is A-Z, a-z, "
        "0-9, + and /."
    )
