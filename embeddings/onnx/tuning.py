"""The choice of precision and chunk size, by what a tower measures on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.onnx.cache import read_facts, write_facts
from embeddings.onnx.probes import keeps_vectors
from embeddings.onnx.runtimes import Tower

__all__ = ["Choice", "choose", "is_quicker_alone", "remembered"]

# Most seconds of one measurement: larger chunks of a large model are not tried.
_SECONDS = 0.6
_ROUNDS = 3
# Half precision rounds vectors: it has to be quicker than the reference by a tenth.
_HANDICAP = 1 / 1.1
# A second form of a tower takes its weights' memory again, and half a second to compile.
_LEAST_GAIN_ALONE = 1.4
_ALONE_ROUNDS = 30
# A larger chunk takes more memory and keeps single queries waiting for longer.
_LEAST_CHUNK_GAIN = 1.05


@dataclass(frozen=True)
class Choice:
    """How a tower runs.

    Attributes:
        precision: `fp32` or `bf16`.
        chunk: Most rows of a chunk.
        per_second: Rows a second that it measured.
    """

    precision: str
    chunk: int
    per_second: float


def remembered(key: str, measure: Callable[[], Choice]) -> Choice:
    """Return the choice that is remembered under a key, or measure and remember one.

    Args:
        key: Names the model, the machine and the candidates; part of a file's name.
        measure: Takes about a second.
    """
    fact = f"choices/{key}"
    facts = read_facts(fact)
    try:
        return Choice(str(facts["precision"]), int(facts["chunk"]), float(facts["per_second"]))
    except (KeyError, TypeError, ValueError):
        choice = measure()
        write_facts(fact, asdict(choice))
        return choice


def choose(
    make: Callable[[str], Tower],
    probes: NDArray[Any],
    precisions: tuple[str, ...],
    chunks: tuple[int, ...],
) -> Choice:
    """Choose the quickest precision and chunk size that keep the vectors.

    Args:
        make: Compiles the tower in a precision.
        probes: Rows to run.
        precisions: The candidates; the first one is the reference of the vectors.
        chunks: Chunk sizes to try, ascending.
    """
    towers = {precision: make(precision) for precision in precisions}
    full = towers[precisions[0]](probes)
    for precision in precisions[1:]:
        if not keeps_vectors(full, towers[precision](probes)):
            del towers[precision]
    rates = {precision: _rate(tower, probes, chunks[0]) for precision, tower in towers.items()}
    best = max(rates, key=lambda each: rates[each] * (1 if each == precisions[0] else _HANDICAP))
    return _quickest_chunk(best, towers[best], probes, chunks, rates[best])


def _quickest_chunk(
    precision: str, tower: Tower, probes: NDArray[Any], chunks: tuple[int, ...], rate: float
) -> Choice:
    """Choose among chunk sizes, given the rate of the first of them."""
    best = Choice(precision, chunks[0], rate)
    for chunk in chunks[1:]:
        if chunk * tower.streams / best.per_second > _SECONDS:
            break
        found = Choice(precision, chunk, _rate(tower, probes, chunk))
        if found.per_second > _LEAST_CHUNK_GAIN * best.per_second:
            best = found
    return best


def _rate(tower: Tower, probes: NDArray[Any], chunk: int) -> float:
    """Measure the rows a second of a chunk size, of every stream together."""
    rows = np.resize(probes, (chunk * tower.streams, *probes.shape[1:]))
    tower.chunk = chunk
    tower(rows)  # prepares for the shape
    return max(len(rows) / _seconds(tower, rows) for _ in range(_ROUNDS))


def _seconds(tower: Tower, rows: NDArray[Any]) -> float:
    start = time.perf_counter()
    tower(rows)
    return time.perf_counter() - start


def is_quicker_alone(together: Tower, divided: Tower, row: NDArray[Any]) -> bool:
    """Return whether one row is worth all processors.

    The threads of a small layer wait for each other longer than they compute: `compact` takes 2.6
    ms for an image on two processors together, and 2.9 ms on one of them.

    Args:
        together: Runs a chunk on all processors.
        divided: Runs a chunk on its share of them.
        row: `[1, …]`.
    """
    together(row), divided(row)  # prepares both for the shape
    seconds = [(_seconds(divided, row), _seconds(together, row)) for _ in range(_ALONE_ROUNDS)]
    one, all_of_them = (min(times) for times in zip(*seconds, strict=True))
    return bool(one >= _LEAST_GAIN_ALONE * all_of_them)
