"""Shipped detectors: the model files in `embeddings/vision/data`, verified and compiled once."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from embeddings.errors import BrokenModelError, VisionUnavailableError
from embeddings.onnx import sha256_of
from embeddings.onnx.runtimes import InferAll, installed_runtimes, open_runtime

__all__ = ["INSTALL", "ShippedModel", "open_shipped"]

INSTALL = "pip install 'lookalike[vision]'"
"""The command that installs everything that looks into images."""

_DATA = Path(__file__).parent / "data"
_OPENING = threading.Lock()


@dataclass(frozen=True)
class ShippedModel:
    """A model file that is part of the package.

    Attributes:
        name: Of the file.
        sha256: Of its content, in hex.
        runtimes: The runtimes that read it, the preferred one first.
    """

    name: str
    sha256: str
    runtimes: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where the file is."""
        return _DATA / self.name

    def runtime(self) -> str:
        """Return the name of the runtime to use.

        Raises:
            VisionUnavailableError: None of them is installed.
        """
        installed = installed_runtimes()
        for name in self.runtimes:
            if name in installed:
                return name
        raise VisionUnavailableError(
            f"{self.name} needs {' or '.join(self.runtimes)}, which is not installed. "
            f"Install it: {INSTALL}"
        )


def open_shipped(model: ShippedModel) -> InferAll:
    """Compile a shipped model for one processor; once in a process.

    Raises:
        VisionUnavailableError: No runtime that reads it is installed.
        BrokenModelError: The file is missing, cut or another one.
    """
    with _OPENING:  # two threads would compile it twice
        return _open(model)


@cache
def _open(model: ShippedModel) -> InferAll:
    runtime = model.runtime()
    try:
        intact = sha256_of(model.path) == model.sha256
    except OSError:
        intact = False
    if not intact:
        raise BrokenModelError(
            f"The model file {model.name!r} of lookalike is missing or damaged. Install lookalike "
            "again: pip install --force-reinstall --no-deps lookalike"
        )
    return open_runtime(runtime, threads=1).compile_all(model.path, "fp32", streams=1)
