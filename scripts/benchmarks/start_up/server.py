"""A server over the demo's index: seconds until it is ready, and memory after many queries."""

from __future__ import annotations

import json
import os
import re
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from scripts.support.front import ROOT
from scripts.support.measuring import Measure
from scripts.support.processes import LOOKALIKE, environment

__all__ = ["READY", "RESIDENT", "memory_of", "server"]

READY = "serve_ready_seconds"
"""Seconds from the start of `lookalike serve` until `/readyz` says yes."""

RESIDENT = "server_rss_mb"
"""Megabytes (10^6 bytes) resident in all processes of a server after 1,000 queries."""

_QUERIES = 1000
_LIMIT = 120.0
_LISTENING = re.compile(rb"on http://127\.0\.0\.1:(\d+)")
# Two ways of asking, in turns.
_WORDS = ("red", "blue", "green", "striped", "round", "small")
_THINGS = ("mug", "dress", "lamp", "cushion", "handbag", "chair", "hat")


@dataclass(frozen=True)
class _Server:
    """A running server: its process, port, and how long it took to be ready."""

    pid: int
    port: int
    seconds: float


def server(index: Path, pictures: Sequence[Path], repeats: int) -> Iterator[Measure]:
    """Measure start-up, the median of some, and memory after half texts, half uploads.

    Args:
        index: The demo's index.
        pictures: JPEG or PNG files to upload.
        repeats: How many times a server is started.
    """
    seconds = []
    for turn in range(repeats + 1):
        with _serving(index) as running:
            if turn:  # the first one warms the disk
                seconds.append(running.seconds)
            if turn == repeats:
                _ask(running.port, pictures)
                resident, proportional = memory_of(running.pid)
    yield Measure(READY, statistics.median(seconds), 2.0, "lower")
    yield Measure(RESIDENT, resident / 1e6, 450.0, "lower")
    # Pages that several processes share are counted once.
    yield Measure("server_pss_mb", proportional / 1e6, None, "lower")


@contextmanager
def _serving(index: Path) -> Iterator[_Server]:
    command = [*LOOKALIKE, "serve", "--index", str(index), "--port", "0"]
    # A pipe that nobody reads while queries are sent would fill up and stop the server.
    log_file = tempfile.TemporaryFile()  # noqa: SIM115 (closed below)
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=log_file, env=environment(), cwd=ROOT)
    try:
        port = 0
        while not _is_ready(port):
            log = os.pread(log_file.fileno(), 65536, 0)
            found = _LISTENING.search(log)
            port = int(found[1]) if found else 0
            if process.poll() is not None or time.perf_counter() > started + _LIMIT:
                raise RuntimeError(f"the server was not ready: {log[-200:].decode()}")
            time.sleep(0.01)
        yield _Server(process.pid, port, time.perf_counter() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log_file.close()


def _is_ready(port: int) -> bool:
    if not port:
        return False
    connection = HTTPConnection("127.0.0.1", port, timeout=_LIMIT)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _ask(port: int, pictures: Sequence[Path]) -> None:
    """Send the queries, one after another over one connection."""
    connection = HTTPConnection("127.0.0.1", port, timeout=_LIMIT)
    for number in range(_QUERIES):
        if number % 2:
            body, kind = _form(pictures[number % len(pictures)].read_bytes())
        else:
            words = f"{_WORDS[number % 6]} {_THINGS[number % 7]} {number}"
            body, kind = json.dumps({"text": words}).encode(), "application/json"
        connection.request("POST", "/v1/search", body, {"Content-Type": kind})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"query {number} got status {answer.status}")
    connection.close()


def _form(image: bytes) -> tuple[bytes, str]:
    """Return an upload as a multipart body and its content type."""
    head = b'--part\r\nContent-Disposition: form-data; name="image"; filename="image"\r\n\r\n'
    return head + image + b"\r\n--part--\r\n", "multipart/form-data; boundary=part"


def memory_of(pid: int) -> tuple[int, int]:
    """Return resident and proportional bytes (Rss, Pss) of a process and all below it."""
    resident = proportional = 0
    for each in (pid, *_below(pid)):
        rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
        resident += _kib(rollup, "Rss")
        proportional += _kib(rollup, "Pss")
    return 1024 * resident, 1024 * proportional


def _kib(rollup: str, name: str) -> int:
    found = re.search(rf"^{name}: +(\d+) kB$", rollup, re.MULTILINE)
    assert found is not None
    return int(found[1])


def _below(pid: int) -> Iterator[int]:
    """Yield the processes that a process started, and those that they did."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            yield child
            yield from _below(child)
