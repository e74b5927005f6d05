"""The attacks: each is what one client does in a loop, from an address of its own, until told."""

from __future__ import annotations

import base64
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException

from PIL import Image

__all__ = ["ATTACKS", "Attack", "run_attack"]

ADDRESS = "127.0.0.2"
"""Where attacks come from; healthy clients have another address."""

_TIMEOUT = 30.0
_SIDE = 7000

Attack = Callable[[int, threading.Event], None]
"""Takes the server's port, and attacks until the event is set."""


def run_attack(name: str, port: int, seconds: float) -> None:
    """Attack for so many seconds; in a process of its own."""
    over = threading.Event()
    timer = threading.Timer(seconds, over.set)
    timer.start()
    ATTACKS[name](port, over)
    timer.join()


def _connect(port: int) -> socket.socket:
    return socket.create_connection(
        ("127.0.0.1", port), timeout=_TIMEOUT, source_address=(ADDRESS, 0)
    )


def _loop(
    clients: int, method: str, path: str, body: bytes | None = None, kind: str = "application/json"
) -> Attack:
    """Return an attack of so many clients that repeat one request."""

    def client(port: int, over: threading.Event) -> None:
        while not over.is_set():
            link = HTTPConnection("127.0.0.1", port, _TIMEOUT, source_address=(ADDRESS, 0))
            with suppress(OSError, HTTPException):
                while not over.is_set():
                    link.request(method, path, body, {"Content-Type": kind} if body else {})
                    link.getresponse().read()
            link.close()

    return _side_by_side(clients, client)


def _side_by_side(clients: int, client: Attack) -> Attack:
    def attack(port: int, over: threading.Event) -> None:
        threads = [
            threading.Thread(target=client, args=[port, over], daemon=True) for _ in range(clients)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_TIMEOUT)

    return attack


def _held(count: int, sent: bytes, again: bytes = b"") -> Attack:
    """Return an attack of connections that send something and then nearly nothing."""

    def attack(port: int, over: threading.Event) -> None:
        links: list[socket.socket] = []
        while not over.is_set():
            with suppress(OSError):
                if len(links) < count:
                    links.append(_connect(port))
                    links[-1].sendall(sent)
                    continue
            for link in links:
                with suppress(OSError):
                    link.sendall(again)
            over.wait(0.5)
            links = [link for link in links if not _is_closed(link)]
        for link in links:
            link.close()

    return attack


def _is_closed(link: socket.socket) -> bool:
    link.settimeout(0.0)
    try:
        return link.recv(4096, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        with suppress(OSError):
            link.settimeout(_TIMEOUT)


def _huge_head(port: int, over: threading.Event) -> None:
    while not over.is_set():
        with suppress(OSError), _connect(port) as link:
            link.sendall(b"GET /v1/index HTTP/1.1\r\nHost: a\r\nX-A: ")
            for _ in range(1920):
                link.sendall(b"a" * 65536)
            link.sendall(b"\r\n\r\n")
            link.recv(4096)
        time.sleep(0.01)


def _upload(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (_SIDE, _SIDE)).save(out, kind, **options)
    return json.dumps({"image_base64": base64.b64encode(out.getvalue()).decode()}).encode()


def _pictures(port: int, over: threading.Event) -> None:
    avif = _upload("AVIF", speed=10)
    webp = _upload("WEBP", lossless=True, quality=0, method=0)
    large = _upload("PNG", compress_level=1)
    loops = [_loop(4, "POST", "/v1/search", body) for body in (avif, webp, large)]
    threads = [threading.Thread(target=loop, args=[port, over]) for loop in loops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


_BODY = (
    b"POST /v1/search HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    b"Content-Length: 26000000\r\n\r\n" + b" " * 24_900_000
)
_SIMILAR = "/v1/items/mug-0001/similar?k=1000&diversity=1&group=true&explain=true"
_BROAD = {"text": "a", "filter": {"or": [{"price": {"lt": 5}}] * 200}}

ATTACKS: Mapping[str, Attack] = {
    "header_size": _huge_head,
    "slowloris": _held(1100, b"GET / HTTP/1.1\r\nX", b"a"),
    "body_memory": _held(60, _BODY, b" "),
    "filter_breadth": _loop(6, "POST", "/v1/search", _json(_BROAD)),
    "pictures": _pictures,
    "heat_maps": _loop(12, "GET", "/v1/items/mug-0001/heatmap?q=mug"),
    "similar": _loop(48, "GET", _SIMILAR),
    "batches": _loop(
        8,
        "POST",
        "/v1/search/batch",
        _json(
            {"queries": [{"parts": [{"text": f"w{n} {m}"} for m in range(8)]} for n in range(64)]}
        ),
    ),
    "recommend": _loop(24, "POST", "/v1/recommend", _json({"liked": ["mug-0001"], "k": 1000})),
    "probes": _loop(64, "GET", "/readyz"),
    "metrics": _loop(16, "GET", "/metrics"),
    "like_thumbnails": _loop(24, "POST", "/v1/items/x/image/y/heatmap", _json({"text": "a"})),
}
"""The attacks by name; those of `scripts/benchmarks/attack/benchmark.py`."""
