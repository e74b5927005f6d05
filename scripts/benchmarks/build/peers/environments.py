"""Environments of the peers: where they are, and what is installed in each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from scripts.support.front import ROOT

__all__ = ["FOLDER_VARIABLE", "INSTALL", "REQUIREMENTS", "peer_program", "peers_folder"]

FOLDER_VARIABLE = "LOOKALIKE_PEERS"
"""The environment variable that names the folder of the environments."""

INSTALL = "python -m scripts.benchmarks.build.peers.install"
"""The command that makes the environments."""

_TORCH = ("torch==2.14.1", "torchvision==0.29.1")

REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    "rclip": ("rclip==3.3.0",),
    "fastembed": ("fastembed==0.9.1",),
    "sentence-transformers": ("sentence-transformers==6.2.0", "pillow==13.0.0", *_TORCH),
    "clip-retrieval": ("clip-retrieval==2.45.0", *_TORCH),
}
"""What is installed for each peer."""


def peers_folder() -> Path:
    """Return the folder of the environments: $LOOKALIKE_PEERS, else `peers` beside the checkout."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else ROOT.parent / "peers"


def peer_program(folder: Path, peer: str, program: str = "python") -> str:
    """Return the path of a program in a peer's environment.

    Raises:
        RuntimeError: The peer is not installed.
    """
    path = folder / peer / "bin" / program
    if not path.exists():
        raise RuntimeError(f"{peer} is not installed: {INSTALL}")
    return str(path)
