"""The cost model: its arithmetic, and that it computes only from what was measured."""

from __future__ import annotations

import pytest

from scripts.benchmarks.build.cost import ASSUMED, Machine, cost, gpu_rate

MEASURED = {
    "build_1mp_compact_per_second": 100.0,
    "build_1mp_compact_decode_alone_per_second": 150.0,
    "build_1mp_vit_b_32_per_second": 40.0,
    "build_1mp_vit_b_32_decode_alone_per_second": 150.0,
}


def test_hours_and_money_follow_from_the_rate_of_a_core() -> None:
    found = {each.name: each.value for each in cost(MEASURED, cores=2)}
    assert found["cost_compact_per_second_and_core"] == 50.0
    # 16 cores: 800 a second, so 1,250 s for a million.
    assert found["cost_compact_cpu_1m_hours"] == pytest.approx(1250 / 3600)
    assert found["cost_compact_cpu_100m_hours"] == pytest.approx(125_000 / 3600)
    money = ASSUMED["cpu"].price * 1250 / 3600
    assert found["cost_compact_cpu_1m_usd"] == pytest.approx(money)


def test_a_gpu_waits_for_its_host_where_that_decodes_more_slowly() -> None:
    machine = Machine(cores=16, price=1.0, flops=10e12)
    assert gpu_rate(machine, flops=10e9, decode_per_core=75.0) == 1000.0
    assert gpu_rate(machine, flops=10e9, decode_per_core=50.0) == 800.0


def test_all_but_the_rate_of_a_core_is_marked_as_computed() -> None:
    notes = {each.name: each.note for each in cost(MEASURED, cores=2)}
    assert {name for name, note in notes.items() if note != "computed"} == {
        "cost_compact_per_second_and_core",
        "cost_vit_b_32_per_second_and_core",
    }


def test_nothing_is_computed_without_measures() -> None:
    assert list(cost({}, cores=2)) == []
