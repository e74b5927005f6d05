"""A writer of an index in a process of its own, which a test may hold or limit.

`python -m tests.support.index_writer OPERATION CATALOG INDEX LIMIT HOLD` builds or merges. LIMIT is
the size in bytes that no file may pass, 0 for none. With HOLD `hold` a build says "holding" before
it encodes, and goes on once it reads a line.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

from embeddings import FakeEncoder
from embeddings.encoder import FloatArray, PixelArray
from embeddings.errors import LookalikeError
from indexer.build import BuildOptions, build_index, merge

__all__ = ["FAILED", "start_writer"]

ROOT = Path(__file__).parents[2]

FAILED = 3
"""Exit code of a writer that failed as users may see it; the reason is on standard output."""


def start_writer(
    operation: str, catalog: Path, index: Path, *, limit: int = 0, hold: bool = False
) -> subprocess.Popen[str]:
    """Start a writer; operation is `build` or `merge`."""
    arguments = [operation, catalog, index, limit, "hold" if hold else ""]
    return subprocess.Popen(
        [sys.executable, "-m", __name__, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


class _HoldingEncoder(FakeEncoder):
    def encode_images(self, pixels: PixelArray) -> FloatArray:
        sys.stdout.write("holding\n")
        sys.stdout.flush()
        sys.stdin.readline()
        return super().encode_images(pixels)


def _main(operation: str, catalog: str, index: str, limit: str, hold: str) -> None:
    if int(limit):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    try:
        if operation == "merge":
            merge(Path(index), lambda _name: FakeEncoder())
        else:
            encoder = _HoldingEncoder() if hold else FakeEncoder()
            build_index(Path(catalog), Path(index), encoder, BuildOptions(workers=0))
    except LookalikeError as error:
        sys.stdout.write(f"{type(error).__name__} {error.message}\n")
        sys.exit(FAILED)


if __name__ == "__main__":
    _main(*sys.argv[1:])
