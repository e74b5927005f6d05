"""Manners of fetching: headers and passwords for hosts, a proxy, and how often a host is asked."""

from __future__ import annotations

import base64
import re
import threading
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from indexer.errors import BuildError
from indexer.image_loading.fetching.addresses import normalize_host
from indexer.image_loading.fetching.connections import Clock

__all__ = ["FetchManners", "HostManners", "Pace", "read_manners", "wait_asked_for"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a header's name (RFC 9110, 5.6.2)
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
# Headers that the fetcher itself sends, or that would change what an answer is.
_OWN = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
# URLs of a host that fail in a row before the others are asked for once only.
_MOST_FAILED = 5
# Seconds that a host is left alone that says nothing of how long.
_USUAL_WAIT = 1.0


@dataclass(frozen=True)
class HostManners:
    """How one host is asked.

    Attributes:
        headers: Sent to this host alone, names and values.
        per_second: Most requests a second; None for what all hosts have.
    """

    headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)
    per_second: float | None = None


@dataclass(frozen=True)
class FetchManners:
    """How hosts are asked.

    Attributes:
        hosts: By their names, in lower case.
        per_second: Most requests a second to each host; None for any number.
        proxy: URL of the proxy that all requests go through; it looks the hosts up.
        retries: How often a URL is asked for again whose host is busy (429, 503).
        longest_wait: Seconds that a host may ask for (Retry-After); more is an error.
    """

    hosts: Mapping[str, HostManners] = field(default_factory=dict)
    per_second: float | None = None
    proxy: str | None = field(default=None, repr=False)
    retries: int = 3
    longest_wait: float = 60.0

    def of(self, host: str) -> HostManners:
        """Return how a host is asked."""
        return self.hosts.get(host, HostManners())


class Pace:
    """Lets requests to a host begin one after another; may be used by many threads at once.

    Args:
        manners: How often hosts are asked.
        clock: Returns the time in seconds.
        sleep: Waits for some seconds.
    """

    def __init__(
        self,
        manners: FetchManners,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._manners = manners
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}
        self._failed = Counter[str]()

    def wait(self, host: str) -> None:
        """Wait until a request to a host may begin."""
        rate = self._manners.of(host).per_second or self._manners.per_second
        with self._lock:
            now = self._clock()
            begin = max(now, self._next.get(host, now))
            if rate:
                self._next[host] = begin + 1 / rate
        if begin > now:
            self._sleep(begin - now)

    def pause(self, host: str, seconds: float) -> None:
        """Let no request to a host begin for some seconds."""
        with self._lock:
            self._next[host] = max(self._next.get(host, 0.0), self._clock() + seconds)

    def is_patient(self, host: str) -> bool:
        """Whether a busy host is worth another request: not if several URLs in a row failed."""
        with self._lock:
            return self._failed[host] < _MOST_FAILED

    def note(self, host: str, *, failed: bool) -> None:
        """Record whether a URL of a host failed because the host is busy."""
        with self._lock:
            self._failed[host] = self._failed[host] + 1 if failed else 0


def wait_asked_for(header: bytes) -> float:
    """Return the seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3)."""
    text = header.decode("latin-1").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return _USUAL_WAIT
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def read_manners(path: Path) -> FetchManners:
    """Read a TOML file with `proxy`, `requests_per_second`, and a table for each of the `hosts`.

    Raises:
        BuildError: It can't be read, or something in it is wrong; no secret is quoted.
    """
    try:
        with path.open("rb") as file:
            given = tomllib.load(file)
    except OSError as error:
        raise BuildError(f"{str(path)!r} can't be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise BuildError(f"{str(path)!r} is not valid TOML; correct it") from None
    reader = _Reader(path)
    reader.check_names(given, {"proxy", "requests_per_second", "hosts"}, "the file")
    proxy = given.get("proxy")
    if proxy is not None and not re.match(r"https?://\S+$", str(proxy)):
        raise reader.problem("proxy is not an http or https URL")
    hosts = given.get("hosts", {})
    if not isinstance(hosts, dict):
        raise reader.problem('hosts is not a table; write [hosts."cdn.shop.example"]')
    return FetchManners(
        hosts={reader.host_name(name): reader.host(name, value) for name, value in hosts.items()},
        per_second=reader.rate(given, "the file"),
        proxy=proxy,
    )


class _Reader:
    """Checks the values of one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def problem(self, what: str) -> BuildError:
        return BuildError(f"{str(self._path)!r}: {what}")

    def check_names(self, given: Mapping[str, Any], known: set[str], where: str) -> None:
        for name in given:
            if name not in known:
                names = ", ".join(sorted(known))
                raise self.problem(f"{where} has the unknown name {name!r}; known are {names}")

    def host_name(self, name: str) -> str:
        try:
            return normalize_host(name)
        except ValueError:
            raise self.problem(f"{name!r} is not the name of a host") from None

    def rate(self, given: Mapping[str, Any], where: str) -> float | None:
        rate = given.get("requests_per_second")
        if rate is None:
            return None
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not rate > 0:
            raise self.problem(f"requests_per_second of {where} is not a number above 0")
        return float(rate)

    def host(self, name: str, given: object) -> HostManners:
        where = f"the host {name!r}"
        if not isinstance(given, dict):
            raise self.problem(f'{where} is not a table; write [hosts."{name}"]')
        known = {"headers", "user", "password", "requests_per_second"}
        self.check_names(given, known, where)
        headers = given.get("headers", {})
        if not isinstance(headers, dict):
            raise self.problem(f"headers of {where} is not a table")
        sent = dict(headers)
        if ("user" in given) != ("password" in given):
            raise self.problem(f"{where} has a user without a password, or the other way round")
        if "user" in given:
            pair = f"{given['user']}:{given['password']}".encode()
            sent["Authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
        for key, value in sent.items():
            if not _TOKEN.fullmatch(key) or key.lower() in _OWN:
                raise self.problem(f"{where} can't have the header {key!r}")
            if not isinstance(value, str) or not _VALUE.fullmatch(value):
                raise self.problem(f"the header {key!r} of {where} is not a line of text")
        encoded = tuple(
            (key.encode("ascii"), value.encode("latin-1")) for key, value in sent.items()
        )
        return HostManners(encoded, self.rate(given, where))
