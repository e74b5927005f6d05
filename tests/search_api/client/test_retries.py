"""Retries of the client: which errors are tried again, how often, and after which waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from search_api.client import (
    ConnectionFailedError,
    NoAnswerInTimeError,
    RateLimitedError,
    Retries,
    UnavailableError,
)
from tests.support.client_kinds import MakeClient, Service, ok, refusal
from tests.support.service_helpers import RED, image_file


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_for_now_is_tried_again(
    status: int, make_client: MakeClient, waits: list[float]
) -> None:
    service = Service(refusal(status), refusal(status), ok())
    assert make_client(service).search(image=image_file(RED), text="red").total == 1
    assert len(service.requests) == 3
    assert len({request.content for request in service.requests}) == 1
    assert [wait <= 0.25 * 2**number for number, wait in enumerate(waits)] == [True, True]


def test_retry_after_is_waited_for(make_client: MakeClient, waits: list[float]) -> None:
    # Far enough away that a busy machine makes no difference.
    moment = format_datetime(datetime.now(UTC) + timedelta(hours=10), usegmt=True)
    service = Service(
        refusal(503, **{"Retry-After": "3"}),
        refusal(503, **{"Retry-After": moment}),
        refusal(503, **{"Retry-After": "soon"}),
        ok(),
    )
    retries = Retries(initial_backoff=0.5, max_retry_after=99_999)
    make_client(service, retries=retries).search(text="red")
    assert 3 <= waits[0] <= 3.5
    assert 35_000 <= waits[1] <= 36_001
    assert 0 <= waits[2] <= 2


def test_a_long_retry_after_is_not_waited_for(make_client: MakeClient, waits: list[float]) -> None:
    service = Service(refusal(429, **{"Retry-After": "3600"}))
    with pytest.raises(RateLimitedError) as raised:
        make_client(service).search(text="red")
    assert (raised.value.retry_after, waits) == (3600, [])


def test_attempts_are_bounded(make_client: MakeClient, waits: list[float]) -> None:
    service = Service(*[refusal(503)] * 9)
    with pytest.raises(UnavailableError):
        make_client(service, retries=Retries(attempts=3)).search(text="red")
    assert len(service.requests) == 3


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError, httpx.RemoteProtocolError]
)
def test_lost_connections_are_tried_again(
    error: type[Exception], make_client: MakeClient, waits: list[float]
) -> None:
    client = make_client(Service(error, ok(), *[error] * 4))
    assert client.search(text="red").total == 1
    with pytest.raises(ConnectionFailedError):
        client.search(text="red")


class _LostStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that ends with the connection."""

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"hits": ['
        raise httpx.ReadError("connection reset")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


def test_a_connection_lost_within_the_answer_is_tried_again(
    make_client: MakeClient, waits: list[float]
) -> None:
    service = Service(httpx.Response(200, stream=_LostStream()), ok())
    assert make_client(service).search(text="red").hits[0].id == "a/1"
    assert len(waits) == 1


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.WriteTimeout])
def test_a_call_that_took_too_long_is_not_sent_again(
    error: type[Exception], make_client: MakeClient
) -> None:
    service = Service(error, ok())
    with pytest.raises(NoAnswerInTimeError):
        make_client(service).search(text="red")
    assert len(service.requests) == 1


def test_a_proxy_that_finds_no_service_is_tried_again(
    make_client: MakeClient, waits: list[float]
) -> None:
    client = make_client(Service(httpx.Response(503, text="<html>no upstream</html>"), ok()))
    assert client.search(text="red").total == 1


def test_waits_grow_to_a_bound_and_are_spread() -> None:
    retries = Retries(attempts=3000, initial_backoff=1, max_backoff=8)
    error = UnavailableError("overloaded", "Later.", 503)
    for sent, bound in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (2999, 8)]:
        drawn = [retries.wait(sent, error) or 0.0 for _ in range(300)]
        assert 0.9 * bound < max(drawn) <= bound
        assert min(drawn) < 0.1 * bound
    assert retries.wait(3000, error) is None
    assert Retries(attempts=1).wait(1, error) is None


@pytest.mark.parametrize(
    "values",
    [{"attempts": 0}, {"initial_backoff": -1}, {"max_backoff": -1}, {"max_retry_after": -1}],
)
def test_retries_have_bounds(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="Retries"):
        Retries(**values)


def test_former_names_of_options_are_understood() -> None:
    now = Retries(2, initial_backoff=0.5, max_backoff=4, max_retry_after=9)
    assert Retries(attempts=2, first=0.5, most=4, patience=9) == now
    with pytest.raises(ValueError, match="Retries"):
        Retries(patience=-1)
