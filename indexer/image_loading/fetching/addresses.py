"""Address policy: the hosts and IP addresses that images may be fetched from."""

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
    "host_not_public",
    "is_private_name",
    "is_valid_host",
    "normalize_host",
    "resolve_host",
    "url_not_allowed",
]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Not `ipaddress.is_global`, whose answers changed between patch releases of Python
# (CVE-2024-4032), and which counts the exceptions below as global.
#
# IPv4 blocks that are not public: the IANA special-purpose registry (RFC 6890), whole blocks
# without their exceptions, such as the port control anycast that a home router answers; multicast;
# the relays of 6to4; and the host of an Azure machine, although its block is public.
_NON_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",
    )
)  # fmt: skip
# In IPv6 only global unicast (RFC 4291) is public, except the IETF's own block (with Teredo),
# documentation and 6to4. ULA, link-local, multicast and the local NAT64 prefix lie outside of it.
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_NON_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
# RFC 6052: the last 32 bits are an IPv4 address.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LAST_32_BITS = 0xFFFFFFFF

_HOST_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.DOTALL)
# Other spellings of IPv4 addresses: 0x7f.1, 017700000001, 2130706433. No top-level domain is a
# number.
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
# Domains that are never on the internet: RFC 6761, 6762 and 8375, and ICANN's resolution of 2024 on
# `internal`.
_PRIVATE_DOMAINS = (".localhost", ".localdomain", ".local", ".internal", ".home.arpa")


class AddressPolicy(StrEnum):
    """The addresses that a connection may be opened to.

    `PUBLIC` is for URLs from strangers: only addresses that the whole internet can reach. `ANY` is
    for an operator's own catalog, whose images may be on a private network.
    """

    PUBLIC = "public"
    ANY = "any"

    def allows(self, address: Address) -> bool:
        """Whether a connection to the address may be opened."""
        return self is AddressPolicy.ANY or _is_public(address)


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in block for block in _NON_PUBLIC_V4)
    embedded = address.ipv4_mapped
    if embedded is None and address in _NAT64:
        embedded = ipaddress.IPv4Address(int(address) & _LAST_32_BITS)
    if embedded is not None:
        return _is_public(embedded)
    return address in _GLOBAL_V6 and not any(address in block for block in _NON_PUBLIC_V6)


def resolve_host(host: str, port: int) -> Sequence[str]:
    """Return a host's addresses from the system's resolver, best first.

    Raises:
        OSError: The name has no address, or the resolver can't be reached.
    """
    # As bytes: text would pass through Python's older IDNA rules, which reject some names.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def normalize_host(text: str) -> str:
    """Return a host's name in the form in which hosts are compared: lower case, IDNA, no final dot.

    Raises:
        ValueError: It is not a valid name or address.
    """
    try:
        host = httpx.URL(scheme="http", host=text).raw_host.decode("ascii").removesuffix(".")
    except (httpx.InvalidURL, ValueError):
        host = ""
    if not is_valid_host(host):
        raise ValueError(f"{quote_for_message(text)} is not a valid host name")
    return host


def is_valid_host(host: str) -> bool:
    """Whether the text is a name, or an address in its usual spelling."""
    try:
        # An address with a zone (`%eth0`) has a meaning on one machine only.
        return "%" not in str(ipaddress.ip_address(host))
    except ValueError:
        return bool(_HOST_NAME.fullmatch(host)) and not _NUMBER.fullmatch(host)


def is_private_name(host: str) -> bool:
    """Whether a name is never on the internet, so that it need not be resolved."""
    if ":" in host:
        return False
    return "." not in host or host.endswith(_PRIVATE_DOMAINS)


def url_not_allowed(message: str) -> SourceError:
    """Return the error for a URL that may not be fetched."""
    return SourceError("url_not_allowed", message)


def host_not_public(host: str) -> SourceError:
    """Return the error for a host that is not on the internet, whether or not it exists."""
    # Without the address: it may come from a private name server. One message for all, or names of
    # an inner network could be told from others by asking.
    return url_not_allowed(
        f"{quote_for_message(host)} is not a public host, or there is no such host; give an "
        "address on the internet"
    )
