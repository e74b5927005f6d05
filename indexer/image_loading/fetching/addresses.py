"""Which hosts and addresses may be asked for pictures."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from enum import StrEnum

import httpx

from indexer.catalog import quote_for_message
from indexer.errors import SourceError

__all__ = [
    "Address",
    "AddressPolicy",
    "clean_host",
    "is_host",
    "is_inner_name",
    "look_up",
    "not_allowed",
    "not_public",
]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# The IANA special-purpose registry of IPv4 (RFC 6890), whole blocks without their exceptions, such
# as the port control anycast that a router at home answers; multicast; the relays of 6to4; and the
# host of an Azure machine, whose address is inner although its block is not.
_INNER_V4 = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",
    )
)  # fmt: skip
# Of IPv6 only global unicast (RFC 4291) is public, without the IETF's own block (Teredo is in it),
# documentation and 6to4; ULA, link-local, multicast and the local NAT64 prefix lie outside of it.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_INNER_V6 = tuple(
    ipaddress.IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.DOTALL)
# Other spellings of IPv4 addresses: 0x7f.1, 017700000001, 2130706433. No top domain is a number.
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
# RFC 6761, 6762 and 8375, and ICANN's resolution of 2024 on `internal`: never on the internet.
_INNER_NAMES = (".localhost", ".localdomain", ".local", ".internal", ".home.arpa")


class AddressPolicy(StrEnum):
    """Which addresses may be dialled.

    `PUBLIC` is for URLs from strangers: addresses that are routed on the whole internet, no others.
    `ANY` is for an operator's own catalog, whose pictures may be on an inner network.
    """

    PUBLIC = "public"
    ANY = "any"

    def allows(self, address: Address) -> bool:
        """Whether a connection to the address may be opened."""
        return self is AddressPolicy.ANY or _is_public(address)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in block for block in _INNER_V4)
    embedded = address.ipv4_mapped
    if embedded is None and address in _NAT64:
        embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if embedded is not None:
        return _is_public(embedded)
    return address in _GLOBAL_V6 and not any(address in block for block in _INNER_V6)


def look_up(host: str, port: int) -> Sequence[str]:
    """Return a host's addresses by the system's resolver, best first.

    Raises:
        OSError: The name has none, or the resolver can't be reached.
    """
    # As bytes: text would pass through Python's older IDNA rules, which refuse some names.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def clean_host(text: str) -> str:
    """A host's name in the one form it is compared in.

    Raises:
        ValueError: It is no name and no address.
    """
    try:
        host = httpx.URL(scheme="http", host=text).raw_host.decode("ascii").removesuffix(".")
    except (httpx.InvalidURL, ValueError):
        host = ""
    if not is_host(host):
        raise ValueError(f"{quote_for_message(text)} is no host's name")
    return host


def is_host(host: str) -> bool:
    """Whether the text is a name or a plainly spelled address."""
    try:
        return "%" not in str(ipaddress.ip_address(host))  # no zone: it means nothing elsewhere
    except ValueError:
        return bool(_HOST_NAME.fullmatch(host)) and not _NUMBER.fullmatch(host)


def is_inner_name(host: str) -> bool:
    """Whether a name means nothing on the internet; so that it isn't even looked up."""
    if ":" in host:
        return False
    return "." not in host or host.endswith(_INNER_NAMES)


def not_allowed(message: str) -> SourceError:
    """The error for a URL that may not be fetched."""
    return SourceError("url_not_allowed", message)


def not_public(host: str) -> SourceError:
    """The error for a host that is not on the internet."""
    # The address itself isn't told: it may be the answer of an inner name server.
    return not_allowed(
        f"{quote_for_message(host)} is no public host; give an address on the internet"
    )
