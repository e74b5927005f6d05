"""Converted models in the user's cache folder, found again without torch."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from embeddings.models import ModelSource, parse_model_name
from embeddings.onnx.cache import cache_folder, read_facts, write_facts
from embeddings.onnx.folder import DESCRIPTION_FILE

__all__ = ["conversion_lock", "converted_folder", "find_conversion", "remember_conversion"]

# A later exporter converts again what an earlier one did, and tries again what it could not.
_EXPORTER = 2


def converted_folder(fingerprint: str) -> Path:
    """Return where the conversion of a model lies, whether or not it exists."""
    return cache_folder() / "models" / fingerprint[:32]


def find_conversion(name: str) -> Path | str | None:
    """Find the conversion of a model.

    Args:
        name: The model's name. A folder on disk is the same model while its files are unchanged.

    Returns:
        The folder of the conversion; the reason why the model does not convert; or None if it was
        not tried yet.
    """
    facts = read_facts(_fact(name))
    if facts.get("identity") != _identity(name):
        return None
    if (reason := facts.get("failed")) is not None:
        return str(reason)
    folder = converted_folder(str(facts.get("fingerprint")))
    return folder if (folder / DESCRIPTION_FILE).is_file() else None


def remember_conversion(name: str, *, fingerprint: str | None, failed: str | None) -> None:
    """Keep the outcome of a conversion: the model's fingerprint, or why it does not convert."""
    facts = {"identity": _identity(name), "fingerprint": fingerprint, "failed": failed}
    write_facts(_fact(name), facts)


@contextmanager
def conversion_lock() -> Iterator[None]:
    """Let one process convert at a time; without a cache folder to lock, do not wait."""
    path = cache_folder() / "models" / "converting.lock"
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = path.open("w")
    except OSError:
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fact(name: str) -> str:
    return f"conversions/{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def _identity(name: str) -> list[Any]:
    """Return what tells a changed folder; a name of the hub keeps its model."""
    parsed = parse_model_name(name)
    identity: list[Any] = [_EXPORTER, name]
    if parsed.source is ModelSource.FOLDER:
        with suppress(OSError):
            for path in sorted(Path(parsed.rest).iterdir()):
                status = path.stat()
                identity.append([path.name, status.st_size, status.st_mtime_ns, status.st_ino])
    return identity
