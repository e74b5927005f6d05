"""The stage that a build's time counts for, under a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from indexer.build.reporting import Stage, StageClock


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def shares(clock: StageClock) -> dict[str, float]:
    return {stage: share for stage, share in clock.shares().items() if share}


def test_the_own_thread_counts_while_nothing_else_runs(time: Time) -> None:
    clock = StageClock(time)
    time.now += 1  # reading, before anything was said
    with clock.during(Stage.FETCHING):
        time.now += 2
        with clock.during(Stage.WRITING):
            time.now += 4
        time.now += 1
    assert shares(clock) == {"reading": 1 / 8, "fetching": 3 / 8, "writing": 4 / 8}


def test_taking_an_item_belongs_to_its_stage_and_using_it_does_not(time: Time) -> None:
    def items() -> Iterator[int]:
        for item in (1, 2):
            time.now += 3
            yield item

    clock = StageClock(time)
    taken = []
    for item in clock.during_each(Stage.FETCHING, items()):
        time.now += 1
        taken.append(item)
    assert taken == [1, 2]
    assert shares(clock) == {"fetching": 6 / 8, "reading": 2 / 8}


def test_a_decoder_that_works_is_what_the_build_waits_for(time: Time) -> None:
    clock = StageClock(time)
    clock.start_decoding()
    with clock.during(Stage.FETCHING):
        time.now += 3
    clock.finish_decoding()
    time.now += 1  # decoded, but the own thread does something else
    assert shares(clock) == {"decoding": 3 / 4, "reading": 1 / 4}


def test_an_encoder_with_nothing_next_waits_for_the_decoder(time: Time) -> None:
    clock = StageClock(time)
    clock.start_decoding()
    clock.finish_decoding()
    clock.start_decoding()
    with clock.encode():
        time.now += 3  # the second batch is not decoded yet
        clock.finish_decoding()
        time.now += 1  # now it waits
    assert shares(clock) == {"decoding": 3 / 4, "encoding": 1 / 4}


def test_the_last_batch_counts_for_the_encoder(time: Time) -> None:
    clock = StageClock(time)
    clock.start_decoding()
    clock.finish_decoding()
    with clock.encode(), clock.during(Stage.WRITING):
        time.now += 2
    assert shares(clock) == {"encoding": 1.0}


def test_a_batch_with_nothing_to_encode_is_forgotten(time: Time) -> None:
    clock = StageClock(time)
    clock.start_decoding()
    clock.finish_decoding()
    clock.drop_decoded()
    clock.start_decoding()
    clock.finish_decoding()
    with clock.encode():
        clock.start_decoding()
        time.now += 1  # if the dropped one still waited, this would count for the encoder
    assert shares(clock) == {"decoding": 1.0}


def test_a_failed_encoding_ends(time: Time) -> None:
    clock = StageClock(time)
    clock.start_decoding()
    clock.finish_decoding()
    with pytest.raises(RuntimeError), clock.encode():
        raise RuntimeError
    time.now += 1
    assert shares(clock) == {"reading": 1.0}


def test_the_bottleneck_is_that_of_the_last_seconds(time: Time) -> None:
    clock = StageClock(time)
    assert clock.bottleneck() == ""
    with clock.during(Stage.FETCHING):
        time.now += 2
        assert clock.bottleneck() == ""  # too soon to say
        time.now += 2
        assert clock.bottleneck() == "fetching"
    with clock.during(Stage.WRITING):
        time.now += 1
        assert clock.bottleneck() == "fetching"
        time.now += 3
        assert clock.bottleneck() == "writing"


def test_no_time_has_no_shares(time: Time) -> None:
    assert StageClock(time).shares() == {}
