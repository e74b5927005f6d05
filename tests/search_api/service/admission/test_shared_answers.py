"""Answers that callers share, by a clock that a test turns."""

from __future__ import annotations

import asyncio

import pytest

from search_api.service.admission import SharedAnswer
from tests.support.clock import Clock
from tests.support.raw_connections import running, settle

pytestmark = pytest.mark.case(52)


class Question:
    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.fails = False

    async def find(self) -> int:
        self.asked += 1
        number = self.asked
        await self.may_answer.wait()
        if self.fails:
            raise ValueError(number)
        return number


@running
async def test_callers_share_the_answer_of_the_last_second() -> None:
    clock, question = Clock(0.0), Question()
    shared = SharedAnswer(question.find, clock=clock)
    first = [asyncio.create_task(shared.get()) for _ in range(64)]
    await settle()
    first[0].cancel()
    question.may_answer.set()
    assert [await each for each in first[1:]] == [1] * 63
    clock.now = 0.99
    assert await shared.get() == 1
    clock.now = 1.0
    assert await shared.get() == 2
    assert question.asked == 2


@running
async def test_a_slow_answer_is_looked_for_once_at_a_time() -> None:
    clock, question = Clock(0.0), Question()
    shared = SharedAnswer(question.find, clock=clock)
    early = asyncio.create_task(shared.get())
    await settle()
    clock.now = 5.0
    late = asyncio.create_task(shared.get())
    await settle()
    assert question.asked == 1
    question.may_answer.set()
    assert await early == await late == 1
    assert await shared.get() == 2


@running
async def test_errors_are_shared_too() -> None:
    clock, question = Clock(0.0), Question()
    question.fails = True
    question.may_answer.set()
    shared = SharedAnswer(question.find, clock=clock)
    for _ in range(3):
        with pytest.raises(ValueError, match="1"):
            await shared.get()
    question.fails = False
    clock.now = 1.0
    assert await shared.get() == 2


@running
async def test_some_answers_are_found_anew_before_they_are_shared() -> None:
    clock, question = Clock(0.0), Question()
    question.may_answer.set()
    shared = SharedAnswer(question.find, anew=3, clock=clock)
    assert [await shared.get() for _ in range(6)] == [1, 2, 3, 3, 3, 3]
    clock.now = 1.0
    assert [await shared.get() for _ in range(4)] == [4, 5, 6, 6]
