"""Rate limits by a clock that a test turns: bursts, rates, costs, and who is one caller."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_api.service.admission import RateLimiter, address_group
from tests.support.clock import Clock


def test_a_burst_then_the_rate() -> None:
    clock = Clock(0.0)
    limiter = RateLimiter(rate=2, burst=3, clock=clock)
    assert [limiter.take("a") for _ in range(3)] == [0, 0, 0]
    assert limiter.take("a") == pytest.approx(0.5)
    clock.now = 0.25
    assert limiter.take("a") == pytest.approx(0.25)
    clock.now = 0.5
    assert limiter.take("a") == 0
    clock.now = 1000
    assert [limiter.take("a") == 0 for _ in range(4)] == [True, True, True, False]


def test_callers_have_buckets_of_their_own() -> None:
    limiter = RateLimiter(rate=1, burst=1, clock=Clock())
    assert limiter.take("a") == 0
    for _ in range(1000):
        assert limiter.take("a") > 0
    assert limiter.take("b") == 0


def test_a_request_can_cost_a_fraction() -> None:
    limiter = RateLimiter(rate=1, burst=1, clock=Clock())
    assert [limiter.take("a", 0.25) == 0 for _ in range(5)] == [True] * 4 + [False]


@given(
    rate=st.floats(0.01, 100),
    burst=st.integers(1, 20),
    pauses=st.lists(st.floats(0, 5), max_size=60),
)
def test_no_caller_gets_more_than_burst_and_rate(
    rate: float, burst: int, pauses: list[float]
) -> None:
    clock = Clock(0.0)
    limiter = RateLimiter(rate, burst, clock)
    taken = 0
    for pause in pauses:
        clock.now += pause
        wait = limiter.take("a")
        taken += not wait
        assert taken <= burst + rate * clock.now + 1e-6
        if wait:  # after the reported wait, a request is allowed
            clock.now += wait + 1e-9
            assert limiter.take("a") <= 1e-6
            taken += 1


def test_the_table_is_bounded() -> None:
    limiter = RateLimiter(rate=1, burst=2, clock=Clock(), max_callers=100)
    limiter.take("flooding", 2)
    for number in range(10_000):
        limiter.take(f"caller {number}")
        assert limiter.take("flooding") > 0  # a recent caller is not evicted
    assert len(limiter) == 100


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.1", "::ffff:10.0.0.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        (None, "", True),
        ("testclient", "other", False),
    ],
)
def test_addresses_of_one_caller(one: str | None, other: str | None, same: bool) -> None:
    assert (address_group(one) == address_group(other)) is same
