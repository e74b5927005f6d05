"""Processes of the API benchmark: the server, the plain handler and the load."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from scripts.benchmarks.api.load_generator import Answer
from scripts.support.front import ROOT

__all__ = ["environment", "python", "running", "service", "under_load"]

_START_SECONDS = 120
# Seconds that a load may take beyond its own time, since open requests are waited for.
_GRACE_SECONDS = 60


def python(*arguments: str) -> list[str]:
    """Return a command that runs this checkout's code."""
    return [sys.executable, *arguments]


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process that runs this checkout's code, with more variables."""
    return {**os.environ, "PYTHONPATH": f"{ROOT}", **more}


@contextmanager
def running(command: Sequence[str], log: Path, ready: str, **variables: str) -> Iterator[int]:
    """Run a server process; yield the port that its log names by the pattern `ready`."""
    with log.open("w") as file:
        process = subprocess.Popen(command, stderr=file, env=environment(variables))
    try:
        end = time.monotonic() + _START_SECONDS
        while not (found := re.search(ready, log.read_text())):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server did not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield int(found[1])
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def service(index: Path, log: Path, **variables: str) -> Iterator[int]:
    """Run `lookalike serve` over an index; yield its port once it is ready."""
    main = "from search_api.cli import main; main()"
    command = python("-c", main, "serve", "--index", str(index), "--port", "0")
    listening = r"Serving [\d,]+ products on http://127\.0\.0\.1:(\d+)"
    with running(command, log, listening, **variables) as port:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=_START_SECONDS) as answer:
            answer.read()
        yield port


def under_load(port: int, requests: Path, **kind: Any) -> list[Answer]:
    """Run a load from a process of its own: `clients` or `rate`, and `seconds`.

    Args:
        port: Of the server.
        requests: A file of pickled requests, as bytes.
        kind: Fields of the job, as `load_process` reads it.
    """
    job = json.dumps({"port": port, "requests": str(requests), **kind})
    command = python("-m", "scripts.benchmarks.api.load_process", job)
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        env=environment({}),
        timeout=_GRACE_SECONDS + 2 * kind["seconds"],
    )
    answers: list[Answer] = pickle.loads(done.stdout)
    return answers
