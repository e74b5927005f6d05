"""`scripts/bench api`: a part that fails, and a load against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scripts.benchmarks.api.benchmark import PARTS, Part, measure_parts
from scripts.benchmarks.api.load_generator import Load, text_request
from scripts.benchmarks.api.measures import _throughput_figures
from scripts.benchmarks.api.queries import Queries
from scripts.benchmarks.api.setup import Setup, Times
from scripts.support.measuring import Measure, NotMeasured


def test_a_part_that_fails_is_reported_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(_: Setup) -> list[Measure]:
        raise RuntimeError("the server did not start")

    failing = ("latency", "throughput", "publishing")
    for name in failing:
        monkeypatch.setitem(PARTS, name, Part(fail, PARTS[name].targets))
    monkeypatch.setitem(PARTS, "overload", Part(lambda _: [Measure("peak", 1.0)], {}))
    setup = Setup(tmp_path, Queries(tmp_path), tmp_path, Times(1.0, 1.0), 1)
    found = measure_parts(setup, list(PARTS))
    assert [each for each in found if isinstance(each, Measure)] == [Measure("peak", 1.0)]
    reason = "RuntimeError: the server did not start"
    assert [each for each in found if isinstance(each, NotMeasured)] == [
        NotMeasured(target, reason) for name in failing for target in PARTS[name].targets
    ]


@asynccontextmanager
async def counting() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that refuses every third request, on a port; and the requests it got."""
    got: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            while (line := await reader.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            got.append(await reader.readexactly(length))
            assert head.startswith(b"POST /v1/search ")
            status = b"503 Busy" if len(got) % 3 == 0 else b"200 OK"
            writer.write(b"HTTP/1.1 %b\r\nContent-Length: 2\r\n\r\n{}" % status)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], got


@pytest.mark.parametrize("kind", ["open", "closed"])
def test_a_load_tells_what_became_of_every_request(kind: str) -> None:
    async def run() -> None:
        async with counting() as (port, got):
            load = Load("127.0.0.1", port, [text_request("a"), text_request("b")])
            loop = load.open_loop(200.0, 0.5) if kind == "open" else load.closed_loop(3, 0.3)
            answers = await loop
            assert len(answers) == len(got) > 10
            assert sum(answer.status == 503 for answer in answers) == len(got) // 3
            assert {answer.status for answer in answers} == {200, 503}
            assert set(got) == {b'{"text": "a"}', b'{"text": "b"}'}

    asyncio.run(run())


def test_uploads_are_compared_with_the_bound_of_decoding_and_encoding() -> None:
    rates = {"ours": 150.0, "texts": 400.0, "plain": 50.0, "decode": 600.0}
    ms = {"batch": 32.0, "encode_images": 80.0, "encode_image": 4.0}
    ms |= {"encode_text": 2.0, "encode_texts": 16.0}
    found = {each.name: each for each in _throughput_figures(rates, ms)}
    # 400 a second encoded, 600 decoded: 240 together.
    assert found["throughput_32_to_bound"] == Measure("throughput_32_to_bound", 0.625, 0.7)
    name = "throughput_32_to_plain_handler"
    assert found[name] == Measure(name, 3.0, 3.0)
    del rates["plain"]
    found = {each.name: each for each in _throughput_figures(rates, ms)}
    assert isinstance(found[name], NotMeasured)
