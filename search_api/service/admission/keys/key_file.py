"""Files of API keys: one on each line, written as it is or as a salted hash.

    NAME:KEY                          a key in plain text, with the scope `read`
    NAME:blake2b$SALT$HASH:SCOPES:DAY what `lookalike keys create` writes; no key is in it

Keys that are created have 256 random bits, so a quick hash protects them: nobody can try them all.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from indexer.storage import replace_file
from search_api.service.errors import ServeError

__all__ = ["Key", "KeyFile", "Scope", "digest_of", "parse_keys"]

_NAME = re.compile(r"[A-Za-z0-9._-]{1,32}")
# The characters of a bearer token (RFC 6750, 2.1), which a cookie can hold too.
_KEY = re.compile(r"[A-Za-z0-9._~+/-]{16,256}=*")
_HASHED = re.compile(r"blake2b\$([0-9a-f]{32})\$([0-9a-f]{128})")
_SALT_BYTES, _KEY_BYTES = 16, 32


class Scope(StrEnum):
    """What a key allows."""

    READ = "read"
    """Searches, products, tags."""
    WRITE = "write"
    """Changes of products."""
    ADMIN = "admin"
    """Everything, also jobs and rollbacks."""


@dataclass(frozen=True)
class Key:
    """What is known of a key; the key itself can't be found from it.

    Attributes:
        name: What logs and limits call it.
        salt: Of its hash.
        digest: Its hash.
        scopes: What it allows.
        created: The day, as `YYYY-MM-DD`; empty if it is not known.
    """

    name: str
    salt: bytes
    digest: bytes
    scopes: frozenset[Scope] = frozenset({Scope.READ})
    created: str = ""

    def allows(self, scope: Scope) -> bool:
        """Return whether the key has a scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def line(self) -> str:
        """Return its line in a file."""
        scopes = ",".join(scope for scope in Scope if scope in self.scopes)
        return f"{self.name}:blake2b${self.salt.hex()}${self.digest.hex()}:{scopes}:{self.created}"


def digest_of(key: bytes, salt: bytes) -> bytes:
    """Return the hash of a key."""
    return hashlib.blake2b(key, key=salt).digest()


def parse_keys(entries: Sequence[tuple[str, str]], salt: bytes) -> list[Key]:
    """Read keys.

    Args:
        entries: Where each is written, for messages, and what is written there.
        salt: For keys in plain text.

    Raises:
        ServeError: A key is invalid, or two have one name. The message never quotes a key.
    """
    keys = [_parse(where, entry.strip(), salt) for where, entry in entries]
    names = [key.name for key in keys]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ServeError(f"Two API keys are called {twice}; give each a name of its own.")
    return keys


def _parse(where: str, entry: str, salt: bytes) -> Key:
    name, _, rest = entry.partition(":")
    written, _, more = rest.partition(":")
    if _NAME.fullmatch(name):
        if hashed := _HASHED.fullmatch(written):
            scopes, _, created = more.partition(":")
            salted, digest = (bytes.fromhex(part) for part in hashed.groups())
            return Key(name, salted, digest, _scopes(where, scopes), created)
        if _KEY.fullmatch(rest):
            return Key(name, salt, digest_of(rest.encode(), salt))
    raise ServeError(
        f"{where}: write NAME:KEY, a name of up to 32 letters and digits and a key of at least "
        "16 characters from A-Z a-z 0-9 . _ ~ + / -"
    )


def _scopes(where: str, text: str) -> frozenset[Scope]:
    try:
        return frozenset(Scope(part) for part in text.split(","))
    except ValueError:
        raise ServeError(f"{where}: the scopes of a key are read, write and admin.") from None


class KeyFile:
    """A file of keys; each change replaces it as a whole.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> list[tuple[str, str]]:
        """Return its lines, each with its place; empty ones and comments are left out.

        Raises:
            ServeError: It can't be read.
        """
        return [
            (f"{self.path}, line {number}", line)
            for number, line in enumerate(self._lines(), 1)
            if line.strip() and not line.lstrip().startswith("#")
        ]

    def read(self) -> list[Key]:
        """Return its keys.

        Raises:
            ServeError: It can't be read, or a line is invalid.
        """
        return parse_keys(self.entries(), secrets.token_bytes(_SALT_BYTES))

    def create(self, name: str, scopes: Sequence[Scope]) -> str:
        """Add a new key, and return it; only its hash is written.

        Raises:
            ServeError: The name is invalid or taken, or the file can't be read.
        """
        if not _NAME.fullmatch(name):
            raise ServeError(
                f"{name[:40]!r} is no name for a key; use up to 32 of A-Z a-z 0-9 . _ -"
            )
        with self._locked():
            lines = self._lines() if self.path.exists() else []
            known = self.read() if lines else []
            if any(key.name == name for key in known):
                raise ServeError(f"There is a key called {name}; revoke it, or take another name.")
            key, salt = secrets.token_urlsafe(_KEY_BYTES), secrets.token_bytes(_SALT_BYTES)
            today = datetime.now(UTC).date().isoformat()
            made = Key(name, salt, digest_of(key.encode(), salt), frozenset(scopes), today)
            self._write([*lines, made.line()])
        return key

    def revoke(self, name: str) -> None:
        """Remove a key.

        Raises:
            ServeError: There is none of that name, or the file can't be read.
        """
        with self._locked():
            lines = self._lines()
            kept = [line for line in lines if line.strip().partition(":")[0] != name]
            if len(kept) == len(lines):
                raise ServeError(f"There is no key called {name}; `lookalike keys list` shows all.")
            self._write(kept)

    def _lines(self) -> list[str]:
        try:
            return self.path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise ServeError(
                f"The file of API keys {self.path} can't be read: {reason}."
            ) from error

    def _write(self, lines: Sequence[str]) -> None:
        before = os.umask(0o077)  # nobody else reads even the hashes
        try:
            replace_file(self.path, "".join(f"{line}\n" for line in lines).encode())
        finally:
            os.umask(before)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let no other command change the file meanwhile; its folder is what is locked."""
        folder = os.open(self.path.absolute().parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)
