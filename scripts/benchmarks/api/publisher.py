"""Publishing one edition of a catalog after another, each as a build of the same index.

`python -m scripts.benchmarks.api.publisher CATALOG INDEX N` publishes the first, prints `ready` and
waits for a line of standard input; then it publishes N more.
"""

from __future__ import annotations

import sys
from pathlib import Path

from embeddings import load_encoder
from indexer.build import BuildOptions, build_index
from scripts.benchmarks.api.publishing import write_edition
from scripts.support.encoding import CachingEncoder


def _publish(catalog: Path, index: Path, editions: int) -> None:
    # Every edition embeds the same images and texts, also to fit its confidence.
    encoder = CachingEncoder(load_encoder("compact"))
    options = BuildOptions(workers=1)
    for edition in range(1, editions + 2):
        write_edition(catalog, edition)
        build_index(catalog, index, encoder, options)
        if edition == 1:
            print("ready", flush=True)
            sys.stdin.readline()


if __name__ == "__main__":
    _publish(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
