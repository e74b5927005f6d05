"""The choice of precision and chunk size: vectors first, then measured speed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from embeddings.onnx import tuning
from embeddings.onnx.runtimes import Tower

PROBES = np.eye(24, dtype=np.float32)


def towers(seconds: dict[str, float], noise: dict[str, float], clock: list[float]):
    """Towers of a given time for each row, and a given rotation of the vectors."""

    def make(precision: str) -> Tower:
        def infer(rows: np.ndarray) -> np.ndarray:
            clock[0] += len(rows) * seconds[precision]
            turned = rows + noise.get(precision, 0.0) * np.roll(rows, 1, axis=1)
            return turned / np.linalg.norm(turned, axis=1, keepdims=True)

        return Tower(infer, 1, 4)

    return make


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time = [0.0]
    monkeypatch.setattr(tuning.time, "perf_counter", lambda: time[0])
    return time


@pytest.mark.parametrize(
    ("seconds", "noise", "expected"),
    [
        ({"fp32": 0.002, "bf16": 0.001}, {"bf16": 0.01}, "bf16"),
        ({"fp32": 0.001, "bf16": 0.012}, {"bf16": 0.01}, "fp32"),  # claimed, but emulated
        ({"fp32": 0.00105, "bf16": 0.001}, {"bf16": 0.01}, "fp32"),  # not worth the rounding
        ({"fp32": 0.002, "bf16": 0.001}, {"bf16": 0.1}, "fp32"),  # median cosine 0.995
    ],
)
def test_precision(clock, seconds, noise, expected) -> None:
    choice = tuning.choose(towers(seconds, noise, clock), PROBES, ("fp32", "bf16"), (4, 8))
    assert choice.precision == expected
    assert choice.per_second == pytest.approx(1 / seconds[expected])


def test_one_vector_far_off_forbids_a_precision(clock) -> None:
    def make(precision: str) -> Tower:
        def infer(rows: np.ndarray) -> np.ndarray:
            clock[0] += len(rows) * (0.001 if precision == "bf16" else 0.002)
            out = rows.copy()
            if precision == "bf16":
                out[0] = np.roll(out[0], 1)
            return out

        return Tower(infer, 1, 32)

    assert tuning.choose(make, PROBES, ("fp32", "bf16"), (32,)).precision == "fp32"


def test_chunks_grow_while_that_is_quicker(clock) -> None:
    costs = {4: 4.0, 8: 6.0, 16: 8.0, 32: 15.9}

    def infer(rows: np.ndarray) -> np.ndarray:
        clock[0] += costs.get(len(rows), len(rows)) / 1000
        return rows

    choice = tuning.choose(lambda _: Tower(infer, 1, 4), PROBES, ("fp32",), (4, 8, 16, 32))
    assert choice.chunk == 16
    assert choice.per_second == pytest.approx(2000)


def test_large_chunks_of_a_slow_model_are_not_tried(clock) -> None:
    seen = set()

    def infer(rows: np.ndarray) -> np.ndarray:
        seen.add(len(rows))
        clock[0] += len(rows) * 0.1
        return rows

    tuning.choose(lambda _: Tower(infer, 1, 4), PROBES, ("fp32",), (4, 8, 16))
    assert seen == {4}


@pytest.mark.parametrize(("together", "quicker"), [(0.0005, True), (0.0009, False)])
def test_a_row_gets_all_processors_where_that_is_worth_a_second_form(
    clock, together: float, quicker: bool
) -> None:
    make = towers({"together": together, "divided": 0.001}, {}, clock)
    assert tuning.is_quicker_alone(make("together"), make("divided"), PROBES[:1]) is quicker


@pytest.mark.parametrize(
    ("streams", "chunk", "rows"), list(itertools.product((1, 2, 3), (1, 8), (1, 2, 5, 21)))
)
def test_a_batch_is_divided_into_powers_of_two(streams: int, chunk: int, rows: int) -> None:
    sizes = []

    def infer(batch: np.ndarray) -> np.ndarray:
        sizes.append(len(batch))
        return batch

    batch = np.arange(rows, dtype=np.float32)[:, np.newaxis]
    np.testing.assert_array_equal(Tower(infer, streams, chunk)(batch), batch)
    assert sum(sizes) == rows
    assert all(size in {1, 2, 4, 8} and size <= chunk for size in sizes)
    assert len(sizes) >= min(streams, rows)
