"""The client against a service of the test's making: what is sent, tried again and raised."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest
from PIL import Image

from search_api.client import client as client_module
from search_api.client.client import (
    BadRequestError,
    Client,
    ClientError,
    ConnectionFailedError,
    DeadlineError,
    InvalidRequestError,
    NoAnswerInTimeError,
    NotFoundError,
    RateLimitedError,
    Retries,
    SearchResult,
    ServerError,
    ServiceError,
    TooLargeError,
    UnauthorizedError,
    UnavailableError,
    UnexpectedAnswerError,
    UnreadablePictureError,
    UnsupportedPictureError,
)
from search_api.client.images import picture_bytes
from tests.support.client_kinds import KINDS, Kind
from tests.support.image_samples import exif_bytes, half_clear, photo
from tests.support.service_helpers import RED, picture

HIT = {
    "id": "a/1",
    "score": 0.5,
    "confidence": None,
    "image": "/v1/items/a%2F1/image/12",
    "fields": {"price": 5, "sale": True, "title": "1"},
}
FOUND = {"hits": [HIT], "total": 1, "generation": 7, "model": "compact", "took_ms": 6.1}

Answer = httpx.Response | Exception | type[Exception]


class Service:
    """Gives the answers it was told to, in turn, and remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer if isinstance(answer, Exception) else answer("broken", request=request)

    @property
    def json(self) -> Any:
        """The last request's."""
        return json.loads(self.asked[-1].content)


def ok(body: Any = FOUND) -> httpx.Response:
    return httpx.Response(200, json=body)


def refusal(status: int, code: str = "some_code", **headers: str) -> httpx.Response:
    body = {"code": code, "message": "Do this.", "request_id": "4f1c"}
    return httpx.Response(status, json=body, headers=headers)


@pytest.fixture(params=KINDS, ids=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """The client, sync and async."""
    return request.param


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that clients would have waited."""
    seconds: list[float] = []

    async def sleep(time: float) -> None:
        seconds.append(time)

    # Of the client alone: other tests' services sleep on threads of their own meanwhile.
    monkeypatch.setattr(client_module, "time", SimpleNamespace(sleep=seconds.append))
    own = SimpleNamespace(sleep=sleep, to_thread=anyio.to_thread)
    monkeypatch.setattr(client_module, "anyio", own)
    return seconds


@pytest.fixture
def calling(kind: Kind) -> Iterator[Callable[..., Any]]:
    """Makes a client of a service."""
    made = []

    def make(service: Service, **options: Any) -> Any:
        made.append(kind("http://shop.example/ai/", transport=service, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


# What is sent and how answers are read


def test_only_what_is_given_is_sent(calling: Callable[..., Any]) -> None:
    service = Service(ok())
    found = calling(service).search(text="red", k=None)
    assert service.json == {"text": "red"}
    assert str(service.asked[0].url) == "http://shop.example/ai/v1/search"
    assert service.asked[0].headers["content-type"] == "application/json"
    assert "authorization" not in service.asked[0].headers
    assert isinstance(found, SearchResult)
    (hit,) = found.hits
    assert (hit.id, hit.confidence, hit.image_number, hit.grouped) == ("a/1", None, 12, ())
    # Numbers, booleans and texts stay what they are.
    assert [repr(value) for value in hit.fields.values()] == ["5", "True", "'1'"]
    assert (found.tags, found.facets) == ((), {})


def test_every_part_of_a_query(calling: Callable[..., Any]) -> None:
    service = Service(ok())
    file = io.BytesIO(b"sleeve")
    query: dict[str, Any] = {
        "text": "red",
        "image": "HTTPS://shop.example/a.jpg",
        "like": "7",
        "parts": (
            {"text": "floral", "weight": -0.5},
            {"image": file},
            {"image": "http://shop.example/b.jpg", "weight": 2},
            {"like": "9"},
        ),
        "region": (0.1, 0.2, 0.8, 0.9),
        "filter": {"price": {"lt": 5}},
        "k": 3,
        "offset": 6,
        "group": "style",
        "min_confidence": 0.5,
        "diversity": 0.1,
        "facets": ["colour"],
        "tags": True,
        "fields": [],
        "mode": "hybrid",
        "keyword_weight": 0.2,
        "fusion": "ranks",
    }
    calling(service).search(**query)
    sent = dict(service.json)
    assert sent.pop("image_url") == query.pop("image")
    assert sent.pop("like") == [query.pop("like")]
    assert sent.pop("region") == list(query.pop("region"))
    assert sent.pop("parts") == [
        {"text": "floral", "weight": -0.5},
        {"image_base64": "c2xlZXZl"},
        {"image_url": "http://shop.example/b.jpg", "weight": 2},
        {"like": "9"},
    ]
    del query["parts"]
    assert sent == query


def test_a_picture_goes_as_a_file_beside_the_json(calling: Callable[..., Any]) -> None:
    service = Service(ok())
    calling(service).search(image=b"\x89PNG", k=2)
    assert service.asked[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    body = service.asked[0].content
    assert b'name="image"; filename="image"\r\nContent-Type: application/octet' in body
    assert b"\r\n\r\n\x89PNG\r\n" in body
    assert b'\r\n\r\n{"k": 2}\r\n' in body


def test_parameters_and_quoting(calling: Callable[..., Any]) -> None:
    service = Service(ok(), httpx.Response(200, content=b"webp"), httpx.Response(200, content=b""))
    client = calling(service)
    options = {"fields": ["a", "b"], "filter": {"x": [1]}, "group": True, "offset": 3}
    client.similar("../a/ü?", **options)
    url = service.asked[0].url
    assert url.raw_path.partition(b"?")[0] == b"/ai/v1/items/%2E%2E%2Fa%2F%C3%BC%3F/similar"
    assert url.params.multi_items() == [
        ("fields", "a"), ("fields", "b"), ("filter", '{"x": [1]}'), ("group", "true"),
        ("offset", "3"),
    ]  # fmt: skip
    assert client.item_image("..", 2, size=64) == b"webp"
    assert service.asked[1].url.raw_path == b"/ai/v1/items/%2E%2E/image/2?size=64"
    client.item_image("x")
    assert service.asked[2].url.raw_path == b"/ai/v1/items/x/image/0"


def test_recommendations_and_tags(calling: Callable[..., Any]) -> None:
    tagged = {"tags": [{"label": "a", "group": "label", "confidence": 0.9}], "model": "m"}
    service = Service(ok(), ok({**tagged, "took_ms": 1}))
    client = calling(service)
    client.recommend(("a", "b"), ["c"], k=4, diversity=0.5)
    sent = {"liked": ["a", "b"], "disliked": ["c"], "k": 4, "diversity": 0.5}
    assert service.json == sent
    (tag,) = client.tags("http://shop.example/a.jpg", ["a", "b"], top=1).tags
    assert service.json == {"image_url": "http://shop.example/a.jpg", "labels": ["a", "b"],
                            "top": 1}  # fmt: skip
    assert (tag.label, tag.confidence) == ("a", 0.9)


def test_tags_of_several_pictures(calling: Callable[..., Any]) -> None:
    error = {"code": "broken_image", "message": "Cut short."}
    results = [
        {"status": 200, "tags": [{"label": "dress", "group": "type", "confidence": 0.9}]},
        {"status": 422, "error": error},
    ]
    service = Service(ok({"results": results, "model": "m", "took_ms": 1}))
    client = calling(service)
    first, second = client.tags_batch([b"a", b"b"], taxonomies=["retail"], groups=["type"])
    assert service.json == {
        "image_base64": ["YQ==", "Yg=="], "taxonomies": ["retail"], "groups": ["type"]
    }  # fmt: skip
    assert [tag.label for tag in first] == ["dress"]
    assert second.code == "broken_image"
    with pytest.raises(TypeError, match="by URL"):
        client.tags_batch(["http://shop.example/a.jpg", b"b"], ["a"])


def test_a_batch_gives_answers_and_errors(calling: Callable[..., Any]) -> None:
    error = {"code": "not_found", "message": "No such product."}
    results = [
        {"status": 200, "answer": FOUND, "error": None},
        {"status": 404, "answer": None, "error": error},
    ]
    service = Service(ok({"results": results, "took_ms": 1.0}))
    first, second = calling(service).search_batch([{"image": b"a"}, {"like": "x"}])
    assert service.json == {"queries": [{"image_base64": "YQ=="}, {"like": ["x"]}]}
    assert first.hits[0].id == "a/1"
    assert isinstance(second, NotFoundError)
    assert (second.code, second.request_id) == ("not_found", None)


def test_the_key_is_sent(calling: Callable[..., Any]) -> None:
    service = Service(ok())
    calling(service, api_key="secret").search(text="a")
    assert service.asked[0].headers["authorization"] == "Bearer secret"


# Errors


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, BadRequestError),
        (401, UnauthorizedError),
        (404, NotFoundError),
        (405, ServiceError),
        (413, TooLargeError),
        (415, UnsupportedPictureError),
        (422, InvalidRequestError),
        (500, ServerError),
        (504, DeadlineError),
        (507, ServerError),
    ],
)
def test_refusals_are_raised_at_once(
    status: int, error: type[ServiceError], calling: Callable[..., Any]
) -> None:
    service = Service(refusal(status))
    with pytest.raises(error) as raised:
        calling(service).search(text="red")
    assert type(raised.value) is error
    told = raised.value
    assert (told.status, told.code, told.message) == (status, "some_code", "Do this.")
    assert told.request_id == "4f1c"
    assert str(told) == f"Do this. ({status} some_code, request 4f1c)"
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 200, "text": "<html>Welcome</html>"},
        {"status_code": 200, "json": {"hits": []}},
        {"status_code": 200, "json": []},
        {"status_code": 302, "headers": {"location": "/"}},
        {"status_code": 404, "text": "<html>nginx</html>"},
        {"status_code": 500, "json": {"detail": "x"}},
        {
            "status_code": 200,
            "stream": httpx.ByteStream(b"this is not compressed"),
            "headers": {"content-encoding": "gzip"},
        },
    ],
)
def test_what_is_not_the_service_is_told(
    answer: dict[str, Any], calling: Callable[..., Any]
) -> None:
    service = Service(httpx.Response(**answer))
    with pytest.raises(UnexpectedAnswerError):
        calling(service).search(text="red")
    assert len(service.asked) == 1


def test_readiness_is_asked_once(calling: Callable[..., Any], waits: list[float]) -> None:
    service = Service(ok({"status": "ready"}), refusal(503, "not_ready"), httpx.ConnectError)
    client = calling(service)
    assert [client.ready() for _ in range(3)] == [True, False, False]
    assert waits == []


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://shop.example", ""])
def test_addresses_name_their_scheme(url: str, kind: Kind) -> None:
    with pytest.raises(ValueError, match="http://"):
        kind(url)


# Trying again


@pytest.mark.parametrize("status", [429, 503])
def test_a_refusal_for_now_is_tried_again(
    status: int, calling: Callable[..., Any], waits: list[float]
) -> None:
    service = Service(refusal(status), refusal(status), ok())
    assert calling(service).search(image=picture(RED), text="red").total == 1
    assert len(service.asked) == 3
    assert len({request.content for request in service.asked}) == 1
    assert len(waits) <= 2
    assert all(0 <= wait <= 0.25 * 2**number for number, wait in enumerate(waits))


def test_retry_after_is_waited_for(calling: Callable[..., Any], waits: list[float]) -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=10), usegmt=True)
    service = Service(
        refusal(503, **{"Retry-After": "3"}),
        refusal(503, **{"Retry-After": moment}),
        refusal(503, **{"Retry-After": "soon"}),
        ok(),
    )
    calling(service, retries=Retries(first=0.5)).search(text="red")
    assert 3 <= waits[0] <= 3.5
    assert 8 <= waits[1] <= 11
    assert all(wait <= 2 for wait in waits[2:])


def test_a_service_that_wants_long_rest_is_left_alone(
    calling: Callable[..., Any], waits: list[float]
) -> None:
    service = Service(refusal(429, **{"Retry-After": "3600"}))
    with pytest.raises(RateLimitedError) as raised:
        calling(service).search(text="red")
    assert (raised.value.retry_after, waits) == (3600, [])


def test_patience_ends(calling: Callable[..., Any], waits: list[float]) -> None:
    service = Service(*[refusal(503)] * 9)
    with pytest.raises(UnavailableError):
        calling(service, retries=Retries(attempts=3)).search(text="red")
    assert len(service.asked) == 3


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.ReadError, httpx.RemoteProtocolError]
)
def test_lost_connections_are_tried_again(
    error: type[Exception], calling: Callable[..., Any], waits: list[float]
) -> None:
    client = calling(Service(error, ok(), *[error] * 4))
    assert client.search(text="red").total == 1
    with pytest.raises(ConnectionFailedError):
        client.search(text="red")


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.WriteTimeout])
def test_a_call_that_took_too_long_is_not_sent_again(
    error: type[Exception], calling: Callable[..., Any]
) -> None:
    service = Service(error, ok())
    with pytest.raises(NoAnswerInTimeError):
        calling(service).search(text="red")
    assert len(service.asked) == 1


def test_a_proxy_that_finds_no_service_is_tried_again(
    calling: Callable[..., Any], waits: list[float]
) -> None:
    client = calling(Service(httpx.Response(503, text="<html>no upstream</html>"), ok()))
    assert client.search(text="red").total == 1


def test_waits_grow_to_a_bound_and_are_spread() -> None:
    retries = Retries(attempts=3000, first=1, most=8)
    error = UnavailableError("overloaded", "Later.", 503)
    for sent, bound in [(1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (2999, 8)]:
        drawn = [retries.wait(sent, error) or 0.0 for _ in range(300)]
        assert 0.9 * bound < max(drawn) <= bound
        assert min(drawn) < 0.1 * bound
    assert retries.wait(3000, error) is None
    assert Retries(attempts=1).wait(1, error) is None


@pytest.mark.parametrize("values", [{"attempts": 0}, {"first": -1}, {"most": -1}, {"patience": -1}])
def test_retries_have_bounds(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="Retries"):
        Retries(**values)  # type: ignore[arg-type]


# Pictures


def test_one_picture_in_every_way(tmp_path: Path) -> None:
    data = picture(RED)
    path = tmp_path / "red.png"
    path.write_bytes(data)
    with path.open("rb") as file:
        assert picture_bytes(file) == data
    for given in (path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)):
        assert picture_bytes(given) == data  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pil_pictures_keep_every_pixel(mode: str) -> None:
    image = Image.new(mode, (9, 5), 30000) if mode == "I;16" else half_clear().convert(mode)
    again = Image.open(io.BytesIO(picture_bytes(image)))
    assert (again.mode, again.size) == (mode, image.size)
    assert again.tobytes() == image.tobytes()


@pytest.mark.parametrize("mode", ["CMYK", "HSV", "F", "YCbCr", "I"])
def test_other_modes_become_colours(mode: str) -> None:
    image = photo().convert("L" if mode in "FI" else "RGB").convert(mode)
    again = Image.open(io.BytesIO(picture_bytes(image)))
    assert again.convert("RGB").tobytes() == image.convert("RGB").tobytes()


def test_turned_photographs_are_sent_upright() -> None:
    out = io.BytesIO()
    photo().save(out, "PNG", exif=exif_bytes(6))
    image = Image.open(out)
    again = Image.open(io.BytesIO(picture_bytes(image)))
    assert again.size == (image.height, image.width)
    assert again.tobytes() == photo().rotate(-90, expand=True).tobytes()
    assert image.size == photo().size


def test_large_pictures_go_as_good_jpegs_on_white() -> None:
    image = photo(1200, 900).convert("RGBA")
    image.paste((9, 9, 9, 0), (0, 0, 600, 900))
    data = picture_bytes(image)
    again = Image.open(io.BytesIO(data))
    assert (again.format, again.mode, again.size) == ("JPEG", "RGB", (1200, 900))
    assert min(again.getpixel((100, 100))) > 250
    expected = photo(1200, 900).getpixel((900, 400))
    assert max(abs(a - b) for a, b in zip(again.getpixel((900, 400)), expected, strict=True)) < 4
    assert len(data) < 1_000_000


def test_pictures_that_can_not_be_read(tmp_path: Path, calling: Callable[..., Any]) -> None:
    closed = io.BytesIO()
    closed.close()
    service = Service()
    for given in (tmp_path / "none.jpg", str(tmp_path), "\0", io.StringIO("text"), closed):
        with pytest.raises(UnreadablePictureError):
            calling(service).search(image=given)
    with pytest.raises(TypeError, match="int"):
        calling(service).search(image=5)
    assert service.asked == []


# The house


def test_both_clients_have_the_same_methods() -> None:
    import inspect

    sync, other = Client, client_module.AsyncClient
    names = {name for name in vars(sync) if not name.startswith("_")} - {"close"}
    assert names == {name for name in vars(other) if not name.startswith("_")} - {"aclose"}
    for name in names:
        assert inspect.signature(getattr(sync, name)) == inspect.signature(getattr(other, name))


def test_errors_are_of_one_tree() -> None:
    errors = [
        value
        for name in client_module.__all__
        if isinstance(value := getattr(client_module, name), type) and issubclass(value, Exception)
    ]
    assert len(errors) == 16
    assert all(issubclass(error, ClientError) for error in errors)


def test_importing_the_client_is_light() -> None:
    heavy = ("torch", "open_clip", "fastapi", "starlette", "faiss", "pyarrow", "numpy", "PIL",
             "tantivy", "uvicorn", "indexer")  # fmt: skip
    probe = (
        "import search_api.client, sys; from search_api.client import Client, AsyncClient; "
        f"Client('http://x').close(); print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_async_methods_run_side_by_side() -> None:
    """Both requests are under way before either is answered."""
    both = anyio.Event()
    under_way = []

    async def answer(request: httpx.Request) -> httpx.Response:
        under_way.append(request)
        if len(under_way) == 2:
            both.set()
        with anyio.fail_after(20):
            await both.wait()
        return ok()

    async def main() -> None:
        transport = httpx.MockTransport(answer)
        client = client_module.AsyncClient("http://x", transport=transport)
        async with client, anyio.create_task_group() as group:
            group.start_soon(lambda: client.search(text="a"))
            group.start_soon(lambda: client.search(text="b"))

    anyio.run(main)


def test_a_closed_client_sends_nothing() -> None:
    with Client("http://x", transport=httpx.MockTransport(lambda _: ok())) as client:
        assert client.search(text="a").total == 1
    with pytest.raises(RuntimeError):
        client.search(text="a")
