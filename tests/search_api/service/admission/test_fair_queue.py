"""Turns of callers at places that a test gives back: shares, costs, refusals, cancellation."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_api.service.admission import FairQueue
from search_api.service.errors import OverloadedError
from tests.support.raw_connections import running, settle

pytestmark = pytest.mark.case(53)


class Crowd:
    """Callers at a queue; notes who gets a place, in order."""

    def __init__(self, places: int, waiting: float = float("inf")) -> None:
        self.refused = 0
        self.queue = FairQueue(places, lambda: waiting, self._refused)
        self.served: list[str] = []

    def _refused(self) -> None:
        self.refused += 1

    def ask(self, caller: str, cost: float = 1.0, width: int = 1) -> asyncio.Task[None]:
        async def take() -> None:
            await self.queue.take(caller, cost, width)
            self.served.append(caller)

        return asyncio.create_task(take())

    async def serve(self, turns: int) -> str:
        for _ in range(turns):
            self.queue.give_back()
            await settle()
        return "".join(self.served)


@running
async def test_a_greedy_caller_gets_its_turns_and_no_more() -> None:
    crowd = Crowd(places=1)
    for _ in range(6):
        crowd.ask("g")
    await settle()
    for caller in "abab":
        crowd.ask(caller)
    await settle()
    # The first has the place; from then on one each, as long as each has one.
    assert await crowd.serve(9) in {"ggabgabggg", "gabgabgggg"}


@running
async def test_shares_are_of_work_not_of_requests() -> None:
    crowd = Crowd(places=1)
    crowd.ask("x")
    await settle()
    for _ in range(3):
        crowd.ask("h", cost=4.0)
    for _ in range(12):
        crowd.ask("s")
    await settle()
    served = (await crowd.serve(10))[1:]
    assert served.count("h") <= 3
    assert served.count("s") >= 7


@running
async def test_a_place_is_taken_at_once_while_there_is_one() -> None:
    crowd = Crowd(places=3)
    for caller in "aab":
        crowd.ask(caller)
    await settle()
    assert crowd.served == ["a", "a", "b"]
    assert not crowd.queue.waiting


@running
async def test_a_full_queue_refuses_the_greediest_and_takes_a_modest_one_in() -> None:
    crowd = Crowd(places=1, waiting=3)
    greedy = [crowd.ask("g") for _ in range(4)]
    await settle()
    assert crowd.queue.would_refuse("g")
    assert not crowd.queue.would_refuse("m")
    modest = crowd.ask("m")
    await settle()
    assert crowd.refused == 1
    with pytest.raises(OverloadedError):
        await greedy[-1]
    with pytest.raises(OverloadedError):
        await crowd.ask("g")
    assert await crowd.serve(2) in {"ggm", "gmg"}
    assert modest.done()


@running
async def test_equal_callers_push_nobody_out() -> None:
    crowd = Crowd(places=1, waiting=2)
    waiting = [crowd.ask(caller) for caller in "abc"]
    await settle()
    with pytest.raises(OverloadedError):
        await crowd.ask("d")
    assert await crowd.serve(2) == "abc"
    assert all(task.done() for task in waiting)


@running
async def test_who_leaves_gives_its_turn_or_its_place_to_the_next() -> None:
    crowd = Crowd(places=1)
    crowd.ask("a")
    second, third = crowd.ask("b"), crowd.ask("c")
    await settle()
    second.cancel()
    await settle()
    assert await crowd.serve(1) == "ac"
    assert third.done()
    # Cancelled in the very moment in which it got its place.
    fourth, fifth = crowd.ask("d"), crowd.ask("e")
    await settle()
    crowd.queue.give_back()
    fourth.cancel()
    await settle()
    assert crowd.served == ["a", "c", "e"]
    assert fifth.done()


@running
async def test_a_wide_request_waits_for_all_its_places_and_is_not_passed() -> None:
    crowd = Crowd(places=3)
    for caller in "ab":
        crowd.ask(caller)
    await settle()
    crowd.ask("w", width=3)
    crowd.ask("c")
    await settle()
    assert await crowd.serve(1) == "ab"
    assert await crowd.serve(1) == "abw"
    assert await crowd.serve(1) == "abwc"


@running
async def test_a_caller_that_was_alone_owes_nothing() -> None:
    crowd = Crowd(places=1)
    for _ in range(50):
        crowd.ask("g")
        await settle()
        crowd.queue.give_back()
    crowd.ask("n")
    await settle()
    for caller in "gngn":
        crowd.ask(caller)
    await settle()
    crowd.served.clear()
    assert await crowd.serve(4) in {"gngn", "gnng"}


@given(
    asks=st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(1, 3), st.booleans()), max_size=40
    ),
    places=st.integers(1, 4),
    waiting=st.integers(0, 6),
)
def test_places_are_never_lost_nor_given_twice(
    asks: list[tuple[str, int, bool]], places: int, waiting: int
) -> None:
    async def run() -> None:
        queue = FairQueue(places, lambda: waiting)
        held, most = 0, 0

        async def visit(caller: str, width: int) -> None:
            nonlocal held, most
            async with queue.place(caller, 1.0, width):
                held += min(width, places)
                most = max(most, held)
                try:
                    await asyncio.sleep(0)
                finally:
                    held -= min(width, places)

        tasks = []
        for caller, width, leaves in asks:
            tasks.append(asyncio.create_task(visit(caller, width)))
            await asyncio.sleep(0)
            if leaves:
                tasks[len(tasks) // 2].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        kinds = {type(result) for result in results}
        assert kinds <= {type(None), OverloadedError, asyncio.CancelledError}
        assert most <= places
        assert not queue.waiting
        async with queue.place("last", 1.0, places):  # all of them are there again
            assert held == 0

    asyncio.run(run())


def test_forgotten_callers_do_not_pile_up() -> None:
    async def run() -> None:
        queue = FairQueue(2)
        await queue.take("stays")
        for number in range(5000):
            await queue.take(f"caller {number}")
            queue.give_back()
        assert len(queue._ends) <= 1001

    asyncio.run(run())


@running
async def test_several_leave_if_one_costs_as_much() -> None:
    queue = FairQueue(1, most_work=6.0)
    await queue.take("x")
    greedy = [asyncio.create_task(queue.take("g", 2.0)) for _ in range(3)]
    await settle()
    modest = asyncio.create_task(queue.take("m", 3.0))
    await settle()
    assert [task.done() for task in greedy] == [False, True, True]
    assert not modest.done()
    for task in greedy[1:]:
        with pytest.raises(OverloadedError):
            await task
    for task in (greedy[0], modest):
        task.cancel()
    await asyncio.wait([greedy[0], modest])


@running
async def test_fewer_may_wait_than_do_and_one_still_leaves_for_one() -> None:
    most = [4.0]
    queue = FairQueue(1, lambda: most[0])
    await queue.take("x")
    greedy = [asyncio.create_task(queue.take("g")) for _ in range(4)]
    await settle()
    most[0] = 1.0
    modest = asyncio.create_task(queue.take("m"))
    await settle()
    assert [task.done() for task in greedy] == [False, False, False, True]
    with pytest.raises(OverloadedError):
        await greedy[3]
    for task in (*greedy[:3], modest):
        task.cancel()
    await asyncio.wait([*greedy[:3], modest])
