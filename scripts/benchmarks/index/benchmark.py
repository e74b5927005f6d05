"""Time the index engine: `scripts/benchmark_index.py [--rows 1000000] [--no-peers] [--json]`.

Searches real vectors of `compact`, enlarged (`index_benchmark/vectors.py` says how), with pictures
held back and with product titles, one thread, beside hnswlib and usearch (`pip install hnswlib
usearch`). Indexes and vectors are kept in `.cache/benchmark_index`. Needs the shared catalogs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

from embeddings import EncoderSpec, FakeEncoder
from indexer.index import Index
from indexer.storage import QueryKind
from scripts.benchmarks.index import measures as taken
from scripts.benchmarks.index.folder import write_index
from scripts.benchmarks.index.vectors import Vectors, load_vectors
from scripts.support.measuring import Measure, machine, show

ROOT = Path(__file__).resolve().parents[3]

DATA = ROOT.parent / "shared" / "data"
CACHE = ROOT / ".cache" / "benchmark_index"
SMALL = 100_000
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_MEMORY_SEARCHES = 3000


class Encoder256(FakeEncoder):
    """Stands for the encoder of the vectors, which is not needed once they are there."""

    @property
    def spec(self) -> EncoderSpec:
        """As of a fake encoder, with the dimension of `compact`."""
        return replace(super().spec, dim=256)


def folder_of(rows: int) -> Path:
    """Where the index of so many rows is kept."""
    return CACHE / f"index-{rows}"


def step(name: str, rows: int, **environment: str) -> dict[str, object]:
    """Run a step in a process of its own, with an environment of its own; returns what it says."""
    command = [
        sys.executable,
        "-m",
        "scripts.benchmarks.index.benchmark",
        "--step",
        name,
        "--rows",
        str(rows),
    ]
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    said: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return said


def build(rows: int) -> dict[str, object]:
    """Write the index; seconds, or None where it was there."""
    there = (folder_of(rows) / "CURRENT").exists()
    started = time.perf_counter()
    write_index(folder_of(rows), load_vectors(DATA, CACHE), Encoder256().spec, rows)
    manifest = Index.open(folder_of(rows)).manifest
    neighbours = asdict(manifest.segments[0].neighbours)
    return {"seconds": None if there else time.perf_counter() - started, **neighbours}


def measure(rows: int, vectors: Vectors, *, with_peers: bool) -> list[Measure]:
    """Everything that one thread of one process can tell."""
    queries = taken.queries_of(vectors)
    few = Index.open(folder_of(SMALL)).segments[0]
    small = taken.searching(few, queries, taken.truth_of(few, queries))
    index = Index.open(folder_of(rows))
    segment = index.segments[0]
    truth = taken.truth_of(segment, queries)
    ours = taken.searching(segment, queries, truth)
    rows_taken = []
    for kind, name in ((QueryKind.IMAGE, "pictures"), (QueryKind.TEXT, "texts")):
        rows_taken.append(Measure(f"recall_10_{name}", ours[kind].recall, 0.97))
        rows_taken.append(Measure(f"search_{name}_ms", ours[kind].ms, None, "lower"))
        growth = ours[kind].ms / small[kind].ms
        rows_taken.append(Measure(f"latency_growth_{name}", growth, 4.0, "lower"))
    rows_taken += taken.filtered(segment, queries, ours)
    rows_taken += taken.predicates(index)
    if with_peers:
        rows_taken += taken.peers(segment, queries, truth, ours)
    return rows_taken


def memory(rows: int) -> dict[str, object]:
    """Resident memory of a process that has the model and the index open and searches."""
    from embeddings.clip import load_encoder

    encoder = load_encoder("compact")
    encoder.encode_texts(["ready"])
    index = Index.open(folder_of(rows))
    vectors = load_vectors(DATA, CACHE)
    queries = taken.queries_of(vectors)
    del vectors
    highest = 0
    for number in range(_MEMORY_SEARCHES):
        kind = (QueryKind.IMAGE, QueryKind.TEXT)[number % 2]
        index.search(queries[kind][number % len(queries[kind])], 10, kind=kind)
        if number % 10 == 0:
            highest = max(highest, _resident())
    return {"gigabytes": highest / 2**30}


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def publish(rows: int) -> list[Measure]:
    """Publications beside a reader; the index is put back as it was afterwards."""
    from indexer.index import prune, rollback

    vectors = load_vectors(DATA, CACHE)
    found = taken.publishing(folder_of(rows), Encoder256(), vectors)
    rollback(folder_of(rows), 1)
    prune(folder_of(rows))
    return found


def run_step(name: str, rows: int, *, with_peers: bool) -> object:
    """One step, in the process that was started for it."""
    if name == "build":
        return build(rows)
    if name == "memory":
        return memory(rows)
    if name == "update":
        from scripts.benchmarks.index.updating import updating

        return [asdict(found) for found in updating(DATA)]
    if name == "publish":
        return [asdict(found) for found in publish(rows)]
    found = measure(rows, load_vectors(DATA, CACHE), with_peers=with_peers)
    return [asdict(one) for one in found]


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--no-peers", action="store_true", help="leave hnswlib and usearch out")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step is not None:
        said = run_step(
            options.step.removesuffix("+peers"), options.rows, with_peers="+" in options.step
        )
        print(json.dumps(said))
        return
    step("build", SMALL)
    built = step("build", options.rows)
    measuring = "measure" if options.no_peers else "measure+peers"
    found = [Measure(**one) for one in step(measuring, options.rows, **ONE_THREAD)]
    resident = step("memory", options.rows)["gigabytes"]
    found.append(Measure("resident_gigabytes", resident, 3.0, "lower"))
    found += [Measure(**one) for one in step("publish", options.rows)]
    found += [Measure(**one) for one in step("update", options.rows)]
    about = machine(rows=options.rows, kind=built["kind"], build_seconds=built["seconds"])
    show(found, about, as_json=options.json)


if __name__ == "__main__":
    main()
