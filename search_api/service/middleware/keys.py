"""API keys: their syntax, and their comparison in constant time."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

from starlette.datastructures import Headers

from search_api.service.errors import ServeError

__all__ = ["COOKIE", "KeyRing", "presented_key", "read_keys"]

COOKIE = "lookalike_key"
"""Cookie in which the web page sends its key, since images in a page can send no header."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,32}")
# The characters of a bearer token (RFC 6750, 2.1), which a cookie can hold too.
_KEY = re.compile(r"[A-Za-z0-9._~+/-]{16,256}=*")

# Characters of a cookie header that are parsed: enough for the longest key.
_MAX_COOKIE = 4096


class KeyRing:
    """Named keys; only their keyed digests are kept in memory.

    Args:
        keys: Name and key of each.
    """

    def __init__(self, keys: Iterable[tuple[str, str]] = ()) -> None:
        # Without the salt, digests look random, so that even their comparison reveals nothing about
        # a key.
        self._salt = secrets.token_bytes(32)
        self._digests = [(name, self._digest(key.encode())) for name, key in keys]

    def __bool__(self) -> bool:
        """Return whether there are any keys; without any, no key is needed."""
        return bool(self._digests)

    def name_of(self, presented: bytes) -> str | None:
        """Return the name of a key, or None if it is unknown.

        Every key is compared, even after a match, so that the time reveals nothing.
        """
        digest = self._digest(presented)
        found = None
        for name, known in self._digests:
            if hmac.compare_digest(digest, known):
                found = name
        return found

    def _digest(self, key: bytes) -> bytes:
        return hashlib.blake2b(key, key=self._salt).digest()


def read_keys(text: str, file: Path | None = None) -> list[tuple[str, str]]:
    """Read keys from a setting and from a file.

    Args:
        text: `NAME:KEY`, several separated by commas.
        file: The same, one a line; empty lines and those that begin with `#` are skipped.

    Raises:
        ServeError: A key is invalid, two have one name, or the file can't be read. The message
            never quotes a key.
    """
    entries = [(f"API key {n}", part) for n, part in enumerate(text.split(","), 1) if part.strip()]
    if file is not None:
        try:
            lines = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise ServeError(f"The file of API keys {file} can't be read: {reason}.") from error
        entries += [
            (f"{file}, line {number}", line)
            for number, line in enumerate(lines, 1)
            if line.strip() and not line.lstrip().startswith("#")
        ]
        if not entries:
            # The file is meant to restrict access, so an empty one must not open the service.
            raise ServeError(f"The file of API keys {file} has no key; write NAME:KEY on a line.")
    keys = [_parse(where, entry) for where, entry in entries]
    names = [name for name, _ in keys]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ServeError(f"Two API keys are called {twice}; give each a name of its own.")
    return keys


def presented_key(headers: Headers) -> bytes:
    """Return the key of a request, valid or not; empty if it has none.

    `Authorization: Bearer` takes precedence over `X-API-Key`, and that over the page's cookie.
    """
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip().encode("latin-1")
    if "x-api-key" in headers:
        return headers["x-api-key"].encode("latin-1")
    try:
        morsel = SimpleCookie(headers.get("cookie", "")[:_MAX_COOKIE]).get(COOKIE)
    except CookieError:
        return b""
    return b"" if morsel is None else morsel.value.encode("latin-1", "replace")


def _parse(where: str, entry: str) -> tuple[str, str]:
    name, colon, key = entry.strip().partition(":")
    if not colon or not _NAME.fullmatch(name) or not _KEY.fullmatch(key):
        raise ServeError(
            f"{where}: write NAME:KEY, a name of up to 32 letters and digits and a key of at least "
            "16 characters from A-Z a-z 0-9 . _ ~ + / -"
        )
    return name, key
