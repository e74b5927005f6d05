"""Cheap attacks on a real server: what healthy clients beside each of them notice.

For each attack: the share of their requests that fail, their p99 against that of the same clients
left alone, and the memory that the server takes more. Then the seconds until it ends on SIGTERM
while clients hold on to it, and the share of damages to the live generation that it survives.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from scripts.benchmarks.attack.attacks import ATTACKS, run_attack
from scripts.benchmarks.attack.damages import damage_while_serving
from scripts.benchmarks.attack.healthy import Observed, observe
from scripts.benchmarks.start_up.server import memory_of
from scripts.docs.figures import Block
from scripts.support.front import ROOT
from scripts.support.measuring import Measure, Report
from scripts.support.processes import LOOKALIKE, environment, run
from search_api.demo import write_catalog

__all__ = ["add_options", "blocks", "measure"]

_PRODUCTS = 300
_MOST_FAILURES, _MOST_SLOWER, _MOST_MEMORY = 0.01, 2.0, 300e6
_SERVER_SECONDS = 120.0
_LISTENING = re.compile(rb"on http://127\.0\.0\.1:(\d+)")
_SAMPLE_SECONDS = 0.25


@dataclass
class _Server:
    process: subprocess.Popen[bytes]
    port: int


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this benchmark."""
    parser.add_argument(
        "--only", action="append", choices=sorted(ATTACKS), metavar="NAME",
        help=f"only this attack; can be repeated: {', '.join(sorted(ATTACKS))}",
    )  # fmt: skip
    parser.add_argument(
        "--damages", type=int, default=None,
        help="damages to files of the live generation while it is served; by default 200",
    )  # fmt: skip
    parser.add_argument(
        "--seconds", type=float, default=None, help="length of each attack; by default 8"
    )


def blocks(_: argparse.Namespace) -> list[Block]:
    """Return no figures: a service must stay up, whatever a page says of it."""
    return []


def measure(options: argparse.Namespace) -> Report:
    """Run the attacks, one after another."""
    seconds = options.seconds or (3.0 if options.quick else 8.0)
    with tempfile.TemporaryDirectory(prefix="lookalike-attack-") as folder:
        index, pictures = _index(Path(folder))
        measures, problems = [], []
        with _serving(index) as server:
            observe(server.port, pictures, seconds / 2)  # warms caches and models
            alone = observe(server.port, pictures, seconds)
            for name in options.only or ATTACKS:
                found = list(_under(name, server, pictures, seconds, alone))
                measures += found
                if any(each.ok is False for each in found):
                    problems.append(f"{name}: healthy clients or the memory suffered")
            measures.append(Measure("sigterm_seconds", _stop(server), 10.0, "lower"))
        if not options.only:
            found = list(_damaged(Path(folder), options))
            measures += found
            problems += [each.name for each in found if each.ok is False]
    missed = Measure("attacks_that_hurt", float(len(problems)), 0.0, "lower")
    p99 = round(1000 * alone.p99, 1)
    return Report.of([missed, *measures], problems, seconds=seconds, healthy_p99_ms=p99)


def _index(folder: Path) -> tuple[Path, list[bytes]]:
    catalog = write_catalog(folder / "catalog", _PRODUCTS)
    index = folder / "index"
    command = [*LOOKALIKE, "index", "build", str(catalog), "--index", str(index)]
    run(command, limit=_SERVER_SECONDS * 5)
    pictures = sorted(catalog.parent.rglob("*.jpg"))[:16]
    return index, [path.read_bytes() for path in pictures]


def _damaged(folder: Path, options: argparse.Namespace) -> Iterator[Measure]:
    @contextmanager
    def serving(index: Path) -> Iterator[int]:
        with _serving(index) as server:
            yield server.port

    count = (8 if options.quick else 200) if options.damages is None else options.damages
    if count:
        catalog = folder / "catalog" / "catalog.csv"
        trials = list(damage_while_serving(catalog, folder, count, serving))
        survived = [trial for trial in trials if trial.survived]
        bad = "; ".join(f"{each.file} {each.kind}" for each in trials if not each.survived)
        share = len(survived) / count
        note = f"{len(survived)} of {count}" + (f"; not {bad}" if bad else "")
        yield Measure("damages_survived_share", share, 1.0, "higher", note=note)


def _under(
    name: str, server: _Server, pictures: list[bytes], seconds: float, alone: Observed
) -> Iterator[Measure]:
    before, _ = memory_of(server.process.pid)
    attacker = multiprocessing.get_context("spawn").Process(
        target=run_attack, args=[name, server.port, seconds + 2.0]
    )
    attacker.start()
    time.sleep(2.0)  # until it is at work
    with _peak_memory(server.process.pid) as peak:
        seen = observe(server.port, pictures, seconds)
    attacker.join(_SERVER_SECONDS)
    attacker.kill()
    _wait_until_ready(server.port)
    yield Measure(f"{name}_failed_share", seen.failed_share, _MOST_FAILURES, "lower")
    yield Measure(f"{name}_p99_ratio", seen.p99 / alone.p99, _MOST_SLOWER, "lower")
    more = max(0, peak[0] - before)
    yield Measure(f"{name}_memory_mb", more / 1e6, _MOST_MEMORY / 1e6, "lower")


@contextmanager
def _peak_memory(pid: int) -> Iterator[list[int]]:
    peak, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(_SAMPLE_SECONDS):
            try:
                peak[0] = max(peak[0], memory_of(pid)[0])
            except (OSError, AssertionError):  # a process of it has just ended
                continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


@contextmanager
def _serving(index: Path) -> Iterator[_Server]:
    command = [*LOOKALIKE, "serve", "--index", str(index), "--port", "0"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stderr=log, env=environment(), cwd=ROOT)
        try:
            deadline = time.monotonic() + _SERVER_SECONDS
            while not (found := _LISTENING.search(os.pread(log.fileno(), 65536, 0))):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the server did not start")
                time.sleep(0.05)
            port = int(found[1])
            _wait_until_ready(port)
            yield _Server(process, port)
        finally:
            process.kill()
            process.wait()


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + _SERVER_SECONDS
    while time.monotonic() < deadline:
        link = HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            link.request("GET", "/readyz")
            if link.getresponse().status == 200:
                return
        except (OSError, HTTPException):
            pass
        finally:
            link.close()
        time.sleep(0.1)
    raise RuntimeError("the server was not ready again")


def _stop(server: _Server) -> float:
    """Return the seconds from SIGTERM to the end, while half-open clients hold on."""
    attacker = multiprocessing.get_context("spawn").Process(
        target=run_attack, args=["body_memory", server.port, 20.0]
    )
    attacker.start()
    time.sleep(3.0)
    started = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        server.process.wait(60)
    took = time.monotonic() - started
    attacker.kill()
    attacker.join()
    return took
