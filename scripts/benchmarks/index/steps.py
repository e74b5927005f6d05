"""Steps of the index benchmark, each run in a process of its own.

`python -m scripts.benchmarks.index.steps NAME STEP`, STEP being a JSON object, prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from embeddings import EncoderSpec, FakeEncoder, load_encoder
from indexer.index import Index, prune, rollback
from indexer.retrieval import NeighbourOptions
from indexer.storage import IndexKind, QueryKind
from scripts.benchmarks.index import measures
from scripts.benchmarks.index.folder import write_index
from scripts.benchmarks.index.kinds import compare_kinds
from scripts.benchmarks.index.peers import measure_peers
from scripts.benchmarks.index.updating import updating
from scripts.benchmarks.index.vectors import Vectors, load_vectors
from scripts.support.measuring import Figure, Measure
from scripts.support.memory import resident

__all__ = ["STEPS", "Step"]

_MEMORY_SEARCHES = 3000
# Searches between two looks at the memory.
_MEMORY_EVERY = 10


@dataclass(frozen=True)
class Step:
    """What a step works on.

    Attributes:
        data: The folder of the shared catalogs.
        cache: Where vectors and indexes are kept.
        rows: Products of the index that is measured.
        small: Products of the smaller indexes, one of each kind.
        peers: Whether hnswlib and usearch are measured too.
        embedded: How many images and titles are embedded at most; None for all.
    """

    data: Path
    cache: Path
    rows: int
    small: int
    peers: bool
    embedded: int | None

    def to_json(self) -> str:
        """Return the step as JSON."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Step:
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "data": Path(fields["data"]), "cache": Path(fields["cache"])})

    @property
    def index(self) -> Path:
        """The index that is measured."""
        return self.cache / f"index-{self.rows}"

    def small_index(self, kind: IndexKind) -> Path:
        """The smaller index, of some kind."""
        return self.cache / f"index-{self.small}-{kind}"

    def vectors(self) -> Vectors:
        """Return the vectors that indexes are made of."""
        return load_vectors(self.data, self.cache, self.embedded)


class _Encoder(FakeEncoder):
    """Stands for the encoder of the vectors, which is not needed once they are there."""

    @property
    def spec(self) -> EncoderSpec:
        """The fake encoder's, with the dimension of `compact`."""
        return replace(super().spec, dim=256)


def _build(step: Step) -> dict[str, object]:
    """Write the indexes; the seconds of the larger are None where it was there."""
    vectors, spec = step.vectors(), _Encoder().spec
    for kind in IndexKind:
        options = NeighbourOptions(kind, min_recall=0)
        write_index(step.small_index(kind), vectors, spec, step.small, options)
    there = (step.index / "CURRENT").exists()
    started = time.perf_counter()
    write_index(step.index, vectors, spec, step.rows)
    neighbours = Index.open(step.index).manifest.segments[0].neighbours
    seconds = None if there else time.perf_counter() - started
    return {"seconds": seconds, "kind": neighbours.kind}


def _search(step: Step) -> list[Figure]:
    """Measure searches on one thread of one process."""
    queries = measures.queries_of(step.vectors())
    index = Index.open(step.index)
    segment = index.segments[0]
    kind_of_index = segment.record.neighbours.kind
    small = Index.open(step.small_index(kind_of_index)).segments[0]
    before = measures.searching(small, queries, measures.truth_of(small, queries))
    truth = measures.truth_of(segment, queries)
    ours = measures.searching(segment, queries, truth)
    figures: list[Figure] = []
    for kind, name in ((QueryKind.IMAGE, "pictures"), (QueryKind.TEXT, "texts")):
        growth = ours[kind].ms / before[kind].ms
        figures += [
            Measure(f"recall_10_{name}", ours[kind].recall, 0.97),
            Measure(f"search_{name}_ms", ours[kind].ms, None, "lower"),
            Measure(f"latency_growth_{name}", growth, 4.0, "lower"),
        ]
    figures += measures.filtered(segment, queries, ours)
    figures += measures.predicates(index)
    if step.peers:
        figures += measure_peers(segment.vectors, queries, truth, ours, kind_of_index)
    return figures


def _memory(step: Step) -> list[Figure]:
    """Measure the memory of a process that has the model and the index open and searches."""
    encoder = load_encoder("compact")
    encoder.encode_texts(["ready"])
    queries = measures.queries_of(step.vectors())
    ready = resident()
    index = Index.open(step.index)
    highest = 0
    for number in range(_MEMORY_SEARCHES):
        kind = (QueryKind.IMAGE, QueryKind.TEXT)[number % 2]
        index.search(queries[kind][number % len(queries[kind])], 10, kind=kind)
        if number % _MEMORY_EVERY == 0:
            highest = max(highest, resident())
    return [
        Measure("resident_gigabytes", highest / 2**30, 3.0, "lower"),
        Measure("resident_index_gigabytes", (highest - ready) / 2**30, None, "lower"),
    ]


def _kinds(step: Step) -> list[Figure]:
    """Compare the kinds of index on the smaller number of products."""
    folders = {kind: step.small_index(kind) for kind in IndexKind}
    return [*compare_kinds(folders, measures.queries_of(step.vectors()))]


def _publish(step: Step) -> list[Figure]:
    """Measure publications beside a reader, and put the index back afterwards."""
    found: list[Figure] = [*measures.publishing(step.index, _Encoder(), step.vectors())]
    rollback(step.index, 1)
    prune(step.index)
    return found


def _update(step: Step) -> list[Figure]:
    return [*updating(step.data, step.embedded)]


STEPS: Mapping[str, Callable[[Step], object]] = {
    "build": _build,
    "search": lambda step: [asdict(figure) for figure in _search(step)],
    "memory": lambda step: [asdict(figure) for figure in _memory(step)],
    "kinds": lambda step: [asdict(figure) for figure in _kinds(step)],
    "publish": lambda step: [asdict(figure) for figure in _publish(step)],
    "update": lambda step: [asdict(figure) for figure in _update(step)],
}


if __name__ == "__main__":
    print(json.dumps(STEPS[sys.argv[1]](Step.from_json(sys.argv[2]))))
