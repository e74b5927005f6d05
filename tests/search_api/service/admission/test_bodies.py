"""Bodies under way: memory, disk, and room for whole ones, with streams that a test feeds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_api.service.admission import BodyBudget, Visit, begin_visit
from search_api.service.errors import OverloadedError, SpoolFullError
from tests.support.raw_connections import running, settle
from tests.support.waiting import until

pytestmark = pytest.mark.case(49)

MIB = 2**20


class Upload:
    """One body, which a test sends piece by piece."""

    def __init__(self, budget: BodyBudget, caller: str = "a") -> None:
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.visit = Visit(caller)

        async def receive() -> bytes:
            begin_visit(self.visit)
            return await budget.receive(self._stream())

        self.task = asyncio.create_task(receive())

    async def _stream(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            yield piece

    def send(self, size: int, *, ends: bool = False) -> None:
        for _ in range(size // 2**16):
            self._pieces.put_nowait(b"x" * 2**16)
        if ends:
            self._pieces.put_nowait(None)


async def sent(budget: BodyBudget, size: int) -> None:
    await asyncio.to_thread(until, lambda: budget.on_disk >= size)


@given(pieces=st.lists(st.binary(max_size=700_000), max_size=6), repeats=st.integers(1, 3))
def test_every_body_arrives_as_it_was_sent(pieces: list[bytes], repeats: int) -> None:
    whole = pieces * repeats

    async def stream() -> AsyncIterator[bytes]:
        for piece in whole:
            yield piece

    async def run() -> bytes:
        budget = BodyBudget(64 * MIB, 64 * MIB, 100.0)
        begin_visit(Visit())
        return await budget.receive(stream())

    assert asyncio.run(run()) == b"".join(whole)


@running
async def test_half_sent_bodies_are_on_disk_and_are_forgotten_with_their_clients() -> None:
    budget = BodyBudget(4 * MIB, 64 * MIB, 100.0)
    uploads = [Upload(budget, caller) for caller in "abcd"]
    for upload in uploads:
        upload.send(4 * MIB)
    await sent(budget, 4 * 3 * MIB)
    for upload in uploads:
        upload.task.cancel()
    await asyncio.wait([upload.task for upload in uploads])
    assert budget.on_disk == 0


@running
async def test_beyond_the_disk_budget_uploads_are_refused_and_one_caller_has_half_of_it() -> None:
    budget = BodyBudget(64 * MIB, 8 * MIB, 100.0)
    greedy = [Upload(budget, "g") for _ in range(3)]
    for upload in greedy:
        upload.send(3 * MIB)
    done, waiting = await asyncio.wait(
        [upload.task for upload in greedy], return_when=asyncio.FIRST_COMPLETED
    )
    assert all(isinstance(task.exception(), OverloadedError) for task in done)
    assert waiting
    assert budget.on_disk <= 4 * MIB
    other = Upload(budget, "o")
    other.send(3 * MIB, ends=True)
    assert len(await other.task) == 3 * MIB
    small = Upload(budget, "g")
    small.send(2**16, ends=True)
    assert len(await small.task) == 2**16
    for task in waiting:
        task.cancel()
    await asyncio.wait(waiting)


@running
async def test_whole_bodies_wait_for_room_until_requests_end() -> None:
    budget = BodyBudget(4 * MIB, 64 * MIB, 1000.0)
    first, second = Upload(budget, "a"), Upload(budget, "b")
    first.send(3 * MIB, ends=True)
    assert len(await first.task) == 3 * MIB
    second.send(3 * MIB, ends=True)
    await sent(budget, 2 * MIB)
    await settle()
    assert not second.task.done()
    first.visit.end()
    first.visit.end()  # gives back only once
    assert len(await second.task) == 3 * MIB
    assert budget.on_disk == 0


@running
async def test_a_body_that_waits_too_long_for_room_is_refused() -> None:
    budget = BodyBudget(4 * MIB, 64 * MIB, 0.01)
    first, second = Upload(budget, "a"), Upload(budget, "b")
    first.send(4 * MIB, ends=True)
    await first.task
    second.send(MIB, ends=True)
    with pytest.raises(OverloadedError, match="uploads"):
        await second.task
    first.visit.end()
    third = Upload(budget, "c")
    third.send(20 * MIB, ends=True)  # more than there is room for: alone
    assert len(await third.task) == 20 * MIB


@running
async def test_a_full_disk_is_said() -> None:
    budget = BodyBudget(4 * MIB, 64 * MIB, 100.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search_api.service.admission.bodies._write", _full)
        upload = Upload(budget)
        upload.send(2 * MIB, ends=True)
        with pytest.raises(SpoolFullError):
            await upload.task
    assert budget.on_disk == 0


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device", str(Path("spool")))
