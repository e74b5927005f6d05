"""`scripts/benchmark_api.py`: what a part that fails comes to, and a load against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scripts.benchmarks.api import benchmark as benchmark_api
from scripts.benchmarks.api.load import Load, text_request
from scripts.benchmarks.api.measures import Times
from scripts.support.measuring import Measure


def test_a_part_that_fails_is_told_with_its_reason_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: object) -> list[Measure]:
        raise RuntimeError("the server did not start")

    for name in ("latency", "throughput", "publishing"):
        monkeypatch.setattr(benchmark_api, name, fails)
    monkeypatch.setattr(benchmark_api, "overload", lambda *_: [Measure("peak", 1.0)])
    monkeypatch.setattr(benchmark_api, "write_queries", lambda *_: None)
    monkeypatch.setattr(benchmark_api.Index, "open", lambda path: None)
    found = benchmark_api.measure(tmp_path, list(benchmark_api.PARTS), Times(1.0, 1.0), 1)
    assert [each for each in found if each.value is not None] == [Measure("peak", 1.0)]
    missing = [each for each in found if each.value is None]
    assert {each.name for each in missing} == {
        target.name
        for part in ("latency", "throughput", "publishing")
        for target in benchmark_api.TARGETS[part]
    }
    for each in missing:
        assert each.reason == "RuntimeError: the server did not start"
        assert each.target is not None
        assert each.ok is None


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
