"""Comparison of encoders: which is the baseline, which the best, and which batches get turns."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.benchmarks.build.encoding import _Contender, encode_figures
from scripts.support.measuring import Measure

RATES = {
    "torch_fp32": 100.0,
    "torch_bf16": 50.0,
    "onnx_fp32": 150.0,
    "openvino_fp32": 180.0,
    "openvino_bf16": 400.0,
    "auto_auto": 380.0,
}


def ratios(key: str, rates: dict[str, float]) -> dict[str, tuple[float, float | None]]:
    found = encode_figures(key, rates, {choice: choice for choice in rates})
    return {each.name: (each.value, each.target) for each in found if isinstance(each, Measure)}


def test_ratios_are_of_the_best_choice_to_torch_in_float32() -> None:
    found = ratios("compact", RATES)
    assert found["compact_encode_to_torch_fp32"] == (4.0, 3.5)
    assert found["compact_encode_fp32_to_torch_fp32"] == (1.8, 1.8)
    assert found["compact_auto_to_best"] == (0.95, 0.9)
    assert found["compact_encode_openvino_bf16_per_second"] == (400.0, None)
    assert ratios("vit_b_32", RATES)["vit_b_32_encode_to_torch_fp32"] == (4.0, 3.8)


def test_without_torch_there_is_no_ratio_to_it() -> None:
    rates = {choice: rate for choice, rate in RATES.items() if not choice.startswith("torch")}
    found = ratios("compact", rates)
    assert "compact_encode_to_torch_fp32" not in found
    assert found["compact_auto_to_best"] == (0.95, 0.9)


def test_openvino_without_lookalike_counts_for_the_automatic_choice_only() -> None:
    found = ratios("compact", {**RATES, "plain_bf16": 760.0})
    assert found["compact_auto_to_best"] == (0.5, 0.9)
    assert found["compact_encode_to_torch_fp32"] == (4.0, 3.5)


def test_the_automatic_choice_does_not_count_as_one_to_compare_with() -> None:
    assert ratios("compact", {**RATES, "auto_auto": 800.0})["compact_auto_to_best"][0] == 2.0


class FakeWorker:
    """Answers with a given rate for each size of batches."""

    def __init__(self, rates: dict[int, float]) -> None:
        self.rates = rates
        self.asked: list[int] = []

    def ask(self, batch: int, seconds: float) -> dict[str, float]:
        self.asked.append(batch)
        return {"rate": self.rates[batch]}


def contender(rates: dict[int, float]) -> tuple[_Contender, FakeWorker]:
    worker: Any = FakeWorker(rates)
    return _Contender(worker, sorted(rates)), worker


def test_batches_far_below_the_best_get_no_second_turn() -> None:
    made, worker = contender({1: 10.0, 8: 90.0, 16: 100.0})
    made.take_turn(1.0)
    made.take_turn(1.0)
    assert worker.asked == [1, 8, 16, 8, 16]
    assert made.best == 100.0


def test_a_batch_that_would_take_too_long_gets_no_turn() -> None:
    made, worker = contender({1: 2.0, 8: 1.8, 64: 1.8})
    made.take_turn(1.0)
    assert worker.asked == [1, 8]


def test_the_best_rate_of_all_turns_counts() -> None:
    made, worker = contender({8: 90.0})
    made.take_turn(1.0)
    worker.rates[8] = 70.0
    made.take_turn(1.0)
    assert made.rates == pytest.approx({8: 90.0})
