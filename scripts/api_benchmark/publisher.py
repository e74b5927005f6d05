"""`python -m api_benchmark.publisher CATALOG INDEX N`: edition after edition, once told to go."""

from __future__ import annotations

import sys
from pathlib import Path

from api_benchmark.publishing import write_edition
from embeddings.clip import load_encoder
from indexer.build import BuildOptions, build_index


def _publish(catalog: Path, index: Path, editions: int) -> None:
    encoder = load_encoder("compact")
    options = BuildOptions(workers=1)
    for edition in range(1, editions + 2):
        write_edition(catalog, edition)
        build_index(catalog, index, encoder, options)
        if edition == 1:
            print("ready", flush=True)
            sys.stdin.readline()


if __name__ == "__main__":
    _publish(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
