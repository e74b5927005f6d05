"""Hosts that are not on the internet, in every spelling that some software understands."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

__all__ = ["NON_PUBLIC_HOSTS", "spellings"]

_NON_PUBLIC_V4 = [
    "127.0.0.1", "127.255.0.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.254",
    "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192",
    "198.18.0.1", "224.0.0.1", "255.255.255.255", "168.63.129.16",
]  # fmt: skip


def spellings(text: str) -> Iterator[str]:
    """Yield hosts that some software takes for an IPv4 address, or that embed one."""
    number = int(ipaddress.IPv4Address(text))
    a, b, c, d = parts = list(number.to_bytes(4, "big"))
    high, low = f"{a:x}{b:02x}", f"{c:x}{d:02x}"
    yield from (text, text + ".", text.replace(".", "。"), text.replace(".", "%2e"))
    yield from (str(number), f"{number:#x}", f"0{number:o}", f"{number}.", f"{number + 2**32}")
    yield ".".join(f"{part:#x}" for part in parts)
    yield ".".join(f"{part:#04X}" for part in parts)
    yield ".".join(f"0{part:o}" for part in parts)
    yield ".".join(f"{part:03d}" for part in parts)
    yield f"{a}.{number & 0xFFFFFF}"
    yield f"{a}.{b}.{c * 256 + d}"
    yield f"{a:#x}.{b}.0{c:o}.{d}"
    yield "".join(chr(0xFEE0 + ord(c)) if c.isdigit() else c for c in text)  # full-width digits
    yield from (f"[::ffff:{text}]", f"[::ffff:{high}:{low}]", f"[0:0:0:0:0:FFFF:{text}]")
    yield from (f"[::{text}]", f"[::ffff:0:{text}]")  # IPv4-compatible and -translated
    yield from (f"[64:ff9b::{text}]", f"[64:ff9b:1::{text}]")  # NAT64
    yield from (f"[2002:{high}:{low}::1]", f"[2002:{high}:{low}::{text}]")  # 6to4
    flipped = number ^ 0xFFFFFFFF
    yield f"[2001:0:4136:e378:8000:63bf:{flipped >> 16:x}:{flipped & 0xFFFF:x}]"  # Teredo
    yield f"[fe80::5efe:{text}]"  # ISATAP


NON_PUBLIC_HOSTS = sorted(
    {
        *(host for text in _NON_PUBLIC_V4 for host in spellings(text)),
        "127.1", "0", "0x0", "0x", "1.1.1", "[::]", "[::1]", "[0:0:0:0:0:0:0:1]", "[fe80::1]",
        "[fe80::1%25eth0]", "[fe80::1%eth0]", "[fc00::1]", "[fd00:ec2::254]", "[fd20:ce::254]",
        "[fec0::1]", "[ff02::1]", "[ff0e::1]", "[100::1]", "[2001:db8::1]", "[3fff::1]",
        "[2001:20::1]", "[4000::1]", "[::1].", "localhost", "LOCALHOST", "localhost.",
        "localhost..", "a.localhost", "a.localhost.", "localhost.localdomain", "ip6-localhost",
        "printer.local", "metadata", "metadata.google.internal", "METADATA.google.internal.",
        "kubernetes.default.svc.cluster.local", "router.home.arpa", "localhost%00.shop.example",
        "%6c%6f%63%61%6c%68%6f%73%74", "ⓛocalhost", "shop.example\\", "a..b", ".", "-" * 64,
        "a." * 127 + "example", "",
    }
)  # fmt: skip
