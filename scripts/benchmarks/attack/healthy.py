"""Healthy clients: searches by new words and by images, thumbnails and completions, in a loop."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException

__all__ = ["Observed", "observe"]

CLIENTS = 4
_TIMEOUT = 30.0
_PAUSE = 0.05  # seconds in which a person would read


@dataclass
class Observed:
    """What healthy clients saw.

    Attributes:
        seconds: Of every request that was answered as it should be.
        failures: Requests that were not.
    """

    seconds: list[float] = field(default_factory=list)
    failures: int = 0

    @property
    def failed_share(self) -> float:
        """Share of the requests that failed; 1 if none was answered."""
        total = len(self.seconds) + self.failures
        return self.failures / total if total else 1.0

    @property
    def p99(self) -> float:
        """The 99th percentile of the seconds."""
        ranked = sorted(self.seconds)
        return ranked[int(0.99 * (len(ranked) - 1))] if ranked else _TIMEOUT


def observe(port: int, pictures: Sequence[bytes], seconds: float) -> Observed:
    """Let healthy clients work for so many seconds.

    Args:
        port: The server's.
        pictures: JPEG files to search with.
        seconds: How long.
    """
    seen, lock, end = Observed(), threading.Lock(), time.monotonic() + seconds

    def client(number: int) -> None:
        link = HTTPConnection("127.0.0.1", port, _TIMEOUT)
        turn = 0
        while time.monotonic() < end:
            turn += 1
            started = time.perf_counter()
            good = False
            try:
                good = _ask(link, number, turn, pictures)
            except (OSError, HTTPException):
                with suppress(OSError):
                    link.close()
            took = time.perf_counter() - started
            with lock:
                if good:
                    seen.seconds.append(took)
                else:
                    seen.failures += 1
            time.sleep(_PAUSE)
        link.close()

    threads = [threading.Thread(target=client, args=[number]) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def _ask(link: HTTPConnection, number: int, turn: int, pictures: Sequence[bytes]) -> bool:
    match turn % 4:
        case 0:
            picture = pictures[turn % len(pictures)]
            head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
            kind = {"Content-Type": "multipart/form-data; boundary=b"}
            link.request("POST", "/v1/search", head + picture + b"\r\n--b--\r\n", kind)
        case 1:
            body = json.dumps({"text": f"red mug {number} {turn}", "k": 10})
            link.request("POST", "/v1/search", body, {"Content-Type": "application/json"})
        case 2:
            link.request("GET", "/v1/items/mug-0001/image/0")
        case _:
            link.request("GET", f"/v1/search?q=blue+{number}+{turn}&k=5")
    answer = link.getresponse()
    answer.read()
    return answer.status == 200
