"""The user's cache folder: small facts about models and this machine, safe to delete."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["cache_folder", "read_facts", "write_facts"]

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the folder: `LOOKALIKE_CACHE_DIR`, or `lookalike` in the user's cache folder."""
    if own := os.environ.get("LOOKALIKE_CACHE_DIR"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lookalike"


def read_facts(name: str) -> dict[str, Any]:
    """Return the facts kept under a name; empty if there are none, or they are damaged."""
    try:
        facts = json.loads((cache_folder() / f"{name}.json").read_bytes())
    except (OSError, ValueError, RuntimeError):
        return {}
    return facts if isinstance(facts, dict) else {}


def write_facts(name: str, facts: dict[str, Any]) -> None:
    """Keep facts under a name; a cache that can't be written to is done without."""
    temporary: str | None = None
    try:
        path = cache_folder() / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "w") as file:
            json.dump(facts, file)
        Path(temporary).replace(path)
    except (OSError, RuntimeError) as error:  # Path.home() raises RuntimeError without a home
        _log.debug("the cache can't be written: %s", error)
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()
