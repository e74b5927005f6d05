"""Expensive fixtures that are made once in a run, for all workers of pytest-xdist."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Server
from tests.support.waiting import until

__all__ = ["made_once", "server_once"]


def made_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Any]
) -> tuple[Path, Any]:
    """Make something in a folder that all workers share.

    Args:
        factory: Gives the run's folder.
        name: Name of the shared folder.
        make: Called with the empty folder by the first worker; returns JSON.

    Returns:
        The folder and the JSON.
    """
    folder = _shared_folder(factory) / name
    with _locked(folder):
        done = folder / "made.json"
        if not done.exists():
            done.write_text(json.dumps(make(folder)))
        return folder, json.loads(done.read_text())


@contextmanager
def server_once(
    factory: pytest.TempPathFactory, name: str, start: Callable[[Path], Server]
) -> Iterator[Server]:
    """Share a server: the first worker starts it, and the last one that leaves ends it.

    Args:
        factory: Gives the run's folder.
        name: Name of the shared folder.
        start: Called with the folder; returns the running server.
    """
    folder = _shared_folder(factory) / name
    state = folder / "server.json"
    with _locked(folder):
        known = json.loads(state.read_text()) if state.exists() else {"users": 0}
        if not known["users"]:
            server = start(folder)
            known |= {"url": server.url, "log": str(server.log), "pid": server.process.pid}
        state.write_text(json.dumps(known | {"users": known["users"] + 1}))
    try:
        yield Server(known["url"], Path(known["log"]), None)  # type: ignore[arg-type]
    finally:
        with _locked(folder):
            known = json.loads(state.read_text())
            state.write_text(json.dumps(known | {"users": known["users"] - 1}))
            if known["users"] == 1:
                os.kill(known["pid"], signal.SIGTERM)
                until(lambda: not _runs(known["pid"]))


def _shared_folder(factory: pytest.TempPathFactory) -> Path:
    folder = factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _runs(pid: int) -> bool:
    """Whether a process runs; one that ended may still wait for its parent as a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
