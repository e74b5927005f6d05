"""The HTTP protocol byte by byte, with a clock of its own: rows 47 and 48 of CASES.md."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.raw_connections import Server, echo, refusal, running, settle, status

KIB = 1024


def head(size: int, count: int = 2) -> bytes:
    """A head of exactly `size` bytes without its last empty line, with `count` fields."""
    start = b"GET / HTTP/1.1\r\n" + b"".join(b"h%d: x\r\n" % n for n in range(count - 1))
    return start + b"pad: " + b"a" * (size - len(start) - 7) + b"\r\n"


@running
async def test_requests_are_answered_in_any_pieces() -> None:
    request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    for size in (1, 2, 7, 1000):
        protocol, transport = Server().connect()
        for start in range(0, len(request), size):
            protocol.data_received(request[start : start + size])
        await settle()
        assert transport.written.endswith(b'[5, ["host", "content-length"]]'), size
        assert transport.ended == ""


@pytest.mark.case(47)
@running
async def test_a_head_over_64_kib_gets_431() -> None:
    for size, expected in ((60 * KIB, 200), (70 * KIB, 431), (5000 * KIB, 431)):
        for piece in (997, 65_536, 262_144):
            protocol, transport = Server().connect()
            whole = head(size) + b"\r\n"
            for start in range(0, len(whole), piece):
                protocol.data_received(whole[start : start + piece])
            await settle()
            assert status(transport) == expected, (size, piece)
            if expected == 431:
                assert refusal(transport) == (431, "head_too_large")
                assert transport.ended == "eof"


@pytest.mark.case(47)
@running
async def test_more_than_100_fields_get_431() -> None:
    for count, expected in ((100, 200), (101, 431), (100_000, 431)):
        server = Server()
        protocol, transport = server.connect()
        protocol.data_received(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * count + b"\r\n")
        await settle()
        assert status(transport) == expected, count
        assert server.ended["head_too_large"] == (expected == 431)


@pytest.mark.case(47)
@running
async def test_every_head_of_a_connection_counts() -> None:
    small = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    protocol, transport = Server().connect()
    protocol.data_received(small)
    await settle()
    assert status(transport) == 200
    transport.written = b""
    for _ in range(20):
        protocol.data_received(b"GET / HTTP/1.1\r\nX: " + b"a" * 8000)
    await settle()
    assert refusal(transport) == (431, "head_too_large")
    # The head follows a request in the same bytes, while that is being answered.
    protocol, transport = Server().connect()
    protocol.data_received(small + b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000)
    await settle()
    assert transport.written.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in transport.written
    assert transport.ended == "closed"


@pytest.mark.case(47)
@running
async def test_trailers_and_chunk_extensions_are_bounded_and_are_no_headers() -> None:
    start = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    protocol, transport = Server().connect()
    protocol.data_received(start + b"2;x=y\r\nab\r\n0\r\nX-API-Key: late\r\n\r\n")
    await settle()
    assert transport.written.endswith(b'[2, ["host", "transfer-encoding"]]')
    for more in (b"0\r\n" + b"a: b\r\n" * 5000, b"0\r\na: " + b"b" * 500_000,
                 b"2;" + b"x" * 500_000):  # fmt: skip
        protocol, transport = Server().connect()
        protocol.data_received(start)
        for at in range(0, len(more), 5000):
            protocol.data_received(more[at : at + 5000])
        assert status(transport) in (400, 431)
        await settle()


@pytest.mark.case(48)
@running
async def test_a_head_has_a_deadline() -> None:
    for piece in (b"", b"G"):
        server = Server()
        protocol, transport = server.connect()
        protocol.data_received(b"GET / HTTP/1.1\r\nX")
        for _ in range(9):
            server.wait(1)
            assert status(transport) == 0
            if piece:
                protocol.data_received(piece)
        server.wait(1)
        assert refusal(transport) == (408, "request_timeout")
        assert transport.ended == "eof"
        server.wait(2)
        assert transport.ended == "aborted"
        assert server.ended == {"slow_head": 1}


@pytest.mark.case(48)
@running
async def test_a_connection_that_says_nothing_is_closed_without_an_answer() -> None:
    server = Server()
    _, transport = server.connect()
    server.wait(10)
    assert (transport.written, transport.ended) == (b"", "aborted")


@pytest.mark.case(48)
@running
async def test_the_second_head_has_a_deadline_too() -> None:
    server = Server()
    protocol, transport = server.connect()
    protocol.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await settle()
    transport.written = b""
    server.wait(4)
    protocol.data_received(b"GET /")
    server.wait(9)
    assert transport.ended == ""
    server.wait(1)
    assert refusal(transport) == (408, "request_timeout")


@pytest.mark.case(48)
@running
async def test_a_body_has_a_least_pace() -> None:
    start = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 25000000\r\n\r\n"
    for a_second, expected in ((0, 408), (1000, 408), (20_000, 0)):
        server = Server()
        protocol, transport = server.connect()
        protocol.data_received(start + b"a" * 1_000_000)
        for _ in range(40):
            server.wait(1)
            if status(transport):
                break
            protocol.data_received(b"a" * a_second)
            await settle()
        assert status(transport) == expected, a_second
        if expected:
            await settle()
            assert refusal(transport) == (408, "request_timeout")
            assert server.ended == {"slow_body": 1}


@pytest.mark.case(48)
@running
async def test_a_client_that_sends_on_after_its_answer_is_closed() -> None:
    async def refuse(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401,
                    "headers": [(b"content-length", b"0")]})  # fmt: skip
        await send({"type": "http.response.body"})

    server = Server(refuse)
    protocol, transport = server.connect()
    protocol.data_received(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    await settle()
    for _ in range(11):
        protocol.data_received(b"100000\r\n" + b"a" * 0x100000 + b"\r\n")
        server.wait(1)
    assert transport.written.count(b"HTTP/1.1") == 1
    assert transport.ended == "aborted"


@pytest.mark.case(48)
@running
async def test_an_answer_that_is_not_read_ends_the_connection() -> None:
    server = Server()
    protocol, transport = server.connect()
    transport.reads = False
    protocol.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await settle()
    server.wait(20)
    assert transport.ended == "aborted"
    assert set(server.ended) == {"unread"}


@pytest.mark.case(48)
@running
async def test_half_open_connections_make_room_for_new_ones() -> None:
    server = Server(most=50)
    for _ in range(3000):
        protocol, _ = server.connect()
        protocol.data_received(b"GET / HTTP/1.1\r\nX")
        assert len(server.guard) <= 50
        good, answered = server.connect("198.51.100.7")
        good.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await settle()
        assert status(answered) == 200
        good.connection_lost(None)
    assert server.ended["evicted"] > 2900


@pytest.mark.case(48)
@running
async def test_the_connections_of_one_address_are_bounded() -> None:
    server = Server(per_address=5)
    all_of_one = [server.connect("192.0.2.1")[1] for _ in range(9)]
    _, other = server.connect("192.0.2.2")
    assert [transport.ended for transport in all_of_one] == ["aborted"] * 4 + [""] * 5
    assert other.ended == ""


@pytest.mark.case(48)
@running
async def test_connections_that_are_answered_stay_and_the_new_one_is_refused() -> None:
    async def hang(_scope: Any, _receive: Any, _send: Any) -> None:
        await asyncio.sleep(100)

    server = Server(hang, most=3)
    busy = [server.connect() for _ in range(3)]
    for protocol, _ in busy:
        protocol.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await settle()
    _, refused = server.connect()
    assert refusal(refused) == (503, "overloaded")
    assert b"retry-after: 1" in refused.written
    assert [transport.ended for _, transport in busy] == ["", "", ""]
    for task in list(server.state.tasks):
        task.cancel()


@running
async def test_requests_in_a_pipeline_are_answered_in_order_and_bounded() -> None:
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    protocol, transport = Server().connect()
    protocol.data_received(request * 10)
    await settle()
    await settle()
    assert transport.written.count(b"HTTP/1.1 200") == 10
    protocol, transport = Server().connect()
    protocol.data_received(request * 10_000)
    assert len(protocol.pipeline) <= 16
    for _ in range(20):
        await settle()
    assert transport.ended == "closed"


POST = b"POST / HTTP/1.1\r\n"
SHAPES = [
    b"\x00" * 20, b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"GET  HTTP/1.1\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\n\r\n",
    b"GET /\xff HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nA\x00B: c\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    POST + b"Content-Length: -1\r\n\r\n",
    POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
]  # fmt: skip


@pytest.mark.case(40)
@running
async def test_what_is_not_http_gets_400_in_the_promised_shape() -> None:
    for shape in SHAPES:
        protocol, transport = Server().connect()
        protocol.data_received(shape)
        await settle()
        assert refusal(transport) == (400, "bad_request"), shape


@running
async def test_another_protocol_is_not_offered_and_the_request_is_answered() -> None:
    for name in (b"websocket", b"h2c"):
        protocol, transport = Server().connect()
        protocol.data_received(
            b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: " + name + b"\r\n\r\nmore"
        )
        await settle()
        assert status(transport) == 200
        assert transport.ended == "closed"


@pytest.mark.case(56)
@running
async def test_stopping_closes_what_waits_and_finishes_what_arrived() -> None:
    gate = asyncio.Event()

    async def wait(scope: Any, receive: Any, send: Any) -> None:
        await gate.wait()
        await echo(scope, receive, send)

    server = Server(wait)
    idle, _ = server.connect()
    half_head, half_body, whole = (server.connect() for _ in range(3))
    half_head[0].data_received(b"GET /")
    half_body[0].data_received(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab")
    whole[0].data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await settle()
    for protocol in list(server.state.connections):
        protocol.shutdown()
    gate.set()
    await settle()
    assert [idle.transport.ended, half_head[1].ended] == ["aborted"] * 2
    assert half_body[1].ended == ""
    half_body[0].data_received(b"cde")
    await settle()
    assert (status(half_body[1]), half_body[1].ended) == (200, "closed")
    assert status(whole[1]) == 200
    assert whole[1].ended == "closed"


@running
async def test_a_refused_head_request_gets_no_body() -> None:
    protocol, transport = Server().connect()
    protocol.data_received(b"HEAD / HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n")
    await settle()
    assert status(transport) == 431
    assert transport.written.endswith(b"\r\n\r\n")
