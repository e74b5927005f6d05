"""Processes that are measured: whole commands against the clock, and workers that answer."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from scripts.support.front import ROOT

__all__ = ["LOOKALIKE", "Worker", "environment", "python", "run", "timed", "use_new_cache"]

LOOKALIKE = (sys.executable, "-c", "from search_api.cli import main; main()")
"""The command line of this checkout."""

# Letters of a failed process's last output that a report repeats.
_REASON = 300


def python(module: str, *arguments: str) -> list[str]:
    """Return a command that runs a module of this checkout."""
    return [sys.executable, "-m", module, *arguments]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a measured process: no hub is asked, nothing is sent."""
    quiet = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    return {**os.environ, "PYTHONPATH": str(ROOT), **quiet, **(more or {})}


def use_new_cache(folder: Path) -> None:
    """Let this process and those that it starts keep Lookalike's cache in a folder of a run.

    Otherwise choices count that were probed at another time, when the machine was busy perhaps.
    """
    os.environ["LOOKALIKE_CACHE_DIR"] = str(folder / "lookalike-cache")


def run(
    command: Sequence[str],
    *,
    limit: float,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Run a command and return its standard output.

    Args:
        command: The program and its arguments.
        limit: Seconds after which it and all that it started are ended.
        folder: Its working directory.
        variables: More environment variables.

    Raises:
        RuntimeError: It failed or took too long; the message ends with its last output.
    """
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            cwd=folder or ROOT,
            env=environment(variables),
            start_new_session=True,
        )
        try:
            out, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"took longer than {limit:.0f} s") from None
        finally:
            _end(process)
        if process.returncode:
            raise RuntimeError(f"exit code {process.returncode}: {_tail(errors, out)}")
    return out.decode(errors="replace")


def timed(
    command: Sequence[str],
    *,
    limit: float,
    folder: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> float:
    """Return the seconds of a whole process; see `run`."""
    started = time.perf_counter()
    run(command, limit=limit, folder=folder, variables=variables)
    return time.perf_counter() - started


class Worker:
    """A process that answers each line of JSON with one; its first line says that it is ready.

    Args:
        command: The program and its arguments.
        limit: Seconds that it may take to start, or for one answer.

    Raises:
        RuntimeError: It ended or took too long; the message ends with its last output.
    """

    def __init__(self, command: Sequence[str], *, limit: float) -> None:
        self.limit = limit
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
            cwd=ROOT,
            env=environment(),
            start_new_session=True,
        )
        try:
            self.ready = self.answer()
        except RuntimeError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        _end(self._process)
        self._errors.close()

    def send(self, **question: Any) -> None:
        """Ask without waiting; `answer` waits."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
        except BrokenPipeError:
            raise RuntimeError(f"ended early: {_tail(self._errors)}") from None

    def answer(self) -> dict[str, Any]:
        """Wait for the next answer."""
        out = self._process.stdout
        assert out is not None
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            if not selector.select(self.limit):
                raise RuntimeError(f"gave no answer within {self.limit:.0f} s")
        line = out.readline()
        if not line:
            self._process.wait(self.limit)
            raise RuntimeError(f"ended early: {_tail(self._errors)}")
        found: dict[str, Any] = json.loads(line)
        return found

    def ask(self, **question: Any) -> dict[str, Any]:
        """Ask and wait for the answer."""
        self.send(**question)
        return self.answer()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and those that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(errors: Any, out: bytes = b"") -> str:
    """Return the last line that a process printed."""
    errors.seek(0)
    text = errors.read().decode(errors="replace").strip() or out.decode(errors="replace").strip()
    return text.rpartition("\n")[2][-_REASON:]
