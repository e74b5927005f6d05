"""URLs as browsers take them: blanks, letters of any script and international host names."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

import idna

from indexer.catalog.quoting import quote_for_message
from indexer.errors import SourceError

__all__ = ["browser_url"]

_MAX_URL_CHARACTERS = 4096
# The URL Standard (url.spec.whatwg.org): controls and blanks at the ends, and line ends and tabs
# anywhere, are dropped.
_ENDS = "".join(map(chr, range(0x21)))
_DROPPED = str.maketrans("", "", "\t\n\r")
_AUTHORITY = re.compile(r"(https?):[/\\]{2}([^/\\?#]+)(.*)", re.IGNORECASE)
# Characters of a path or query that stay as they are: all of printable ASCII except the blank and
# those that no part of a URL may contain.
_KEPT = "!#$%&'()*+,/:;=?@[\\]^_`{|}~-."


def browser_url(text: str) -> str:
    """Return an http or https URL in the form in which it is requested.

    A URL that is in this form already is returned unchanged.

    Args:
        text: The URL as a catalog spells it: blanks and letters outside of ASCII are encoded, a
            host name of other letters becomes its ASCII form (IDNA), backslashes before the query
            become slashes.

    Raises:
        SourceError: `bad_url`: it has no usable host or port, is too long, or contains a user name
            or password, which the index would store readably.
    """
    trimmed = text.strip(_ENDS).translate(_DROPPED)
    match = _AUTHORITY.fullmatch(trimmed)
    if match is None or len(trimmed) > _MAX_URL_CHARACTERS:
        raise _unusable(text)
    scheme, authority, rest = match.groups()
    if "@" in authority:
        host = quote_for_message(authority.rpartition("@")[2])
        raise SourceError(
            "bad_url",
            f"the URL on {host} contains a user name or password, which the index would store "
            "readably; remove them",
        )
    try:
        url = f"{scheme}://{_ascii_authority(authority)}{_ascii_rest(rest)}"
        parts = urlsplit(url)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except (ValueError, idna.IDNAError):
        usable = False
    if not usable:
        raise _unusable(text)
    return url


def _ascii_authority(authority: str) -> str:
    if authority.isascii():
        if not authority.isprintable() or " " in authority:
            raise ValueError(authority)
        return authority
    host, colon, port = authority.rpartition(":")
    if not colon:
        host, port = authority, ""
    # UTS 46, as browsers do: "Bücher.example" and full-width letters are taken.
    return idna.encode(host, uts46=True).decode("ascii") + colon + port


def _ascii_rest(rest: str) -> str:
    path, mark, query = rest.partition("?")
    return quote(path.replace("\\", "/") + mark + query, safe=_KEPT)


def _unusable(text: str) -> SourceError:
    return SourceError(
        "bad_url", f"{quote_for_message(text)} is not a usable URL; check its spelling"
    )
