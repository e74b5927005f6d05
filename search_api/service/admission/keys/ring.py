"""The ring of API keys: comparison in constant time, and keys that change while it is in use."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

import structlog
from starlette.datastructures import Headers

from search_api.service.admission.keys.key_file import Key, KeyFile, digest_of, parse_keys
from search_api.service.errors import ServeError

__all__ = ["COOKIE", "KeyRing", "KeySource", "presented_key"]

_log = structlog.get_logger("lookalike.keys")

COOKIE = "lookalike_key"
"""Cookie in which the web page sends its key, since images in a page can send no header."""

# Characters of a cookie header that are parsed: enough for the longest key.
_MAX_COOKIE = 4096
# Seconds between two looks at the file.
_LOOK_SECONDS = 1.0


class KeySource:
    """Keys from a setting and from a file.

    Args:
        text: `NAME:KEY`, several separated by commas.
        file: A file of keys; see `key_file`.

    Raises:
        ServeError: A key is invalid, two have one name, or the file can't be read or has none.
            The message never quotes a key.
    """

    def __init__(self, text: str = "", file: Path | None = None) -> None:
        # Without the salt, digests look random, so that even their comparison reveals nothing about
        # a key.
        self._salt = secrets.token_bytes(32)
        self._entries = [
            (f"API key {n}", part) for n, part in enumerate(text.split(","), 1) if part.strip()
        ]
        self._file = None if file is None else KeyFile(file)
        self._seen = self._state()
        self.keys = self._read()
        if file is not None and not self._file_entries:
            # The file is meant to restrict access, so an empty one must not open the service.
            raise ServeError(
                f"The file of API keys {file} has no key; write NAME:KEY on a line, or run "
                "`lookalike keys create`."
            )

    def changed(self) -> bool:
        """Read the file again if it was replaced or written; return whether the keys are new.

        A file that can't be read, or has an invalid line, leaves the keys as they are.
        """
        state = self._state()
        if state == self._seen:
            return False
        self._seen = state
        try:
            self.keys = self._read()
        except ServeError as error:
            _log.error("the keys stay as they were", problem=error.message)
            return False
        _log.info("keys read again", keys=len(self.keys))
        return True

    def _read(self) -> list[Key]:
        self._file_entries = [] if self._file is None else self._file.entries()
        return parse_keys([*self._entries, *self._file_entries], self._salt)

    def _state(self) -> tuple[int, ...]:
        if self._file is None:
            return ()
        try:
            found = self._file.path.stat()
        except OSError:
            return (0,)
        return (found.st_ino, found.st_mtime_ns, found.st_size)


class KeyRing:
    """Named keys; only their salted digests are kept in memory.

    Args:
        source: Gives the keys; None for none.
        clock: Seconds, as `time.monotonic`.
    """

    def __init__(
        self, source: KeySource | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._clock = clock
        self._keys = [] if source is None else source.keys
        # If all keys are revoked later, all are wrong, and the service does not open.
        self._needed = bool(self._keys)
        self._looked_at = clock()

    def __bool__(self) -> bool:
        """Return whether a key is needed."""
        return self._needed

    def find(self, presented: bytes) -> Key | None:
        """Return a key that was presented, or None if it is unknown.

        Every key is compared, even after a match, so that the time reveals nothing.
        """
        self._look()
        digests: dict[bytes, bytes] = {}
        found = None
        for known in self._keys:
            if known.salt not in digests:
                digests[known.salt] = digest_of(presented, known.salt)
            if hmac.compare_digest(digests[known.salt], known.digest):
                found = known
        return found

    def _look(self) -> None:
        now = self._clock()
        if self._source is None or now < self._looked_at + _LOOK_SECONDS:
            return
        self._looked_at = now
        if self._source.changed():
            self._keys = self._source.keys


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
