"""Logs: the fields of a request's line, forged lines, and what is never logged."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient

from indexer.search import Engine
from search_api.service.app import create_app
from search_api.service.middleware import configure_logs
from search_api.service.settings import LogFormat, Settings
from tests.support.service_helpers import RED, image_file

SHOP = "shop-0123456789abcdef"
FORGED = 'a\n{"event": "forged"}\r\n2026 [info] forged\x1b[2J\u2028\x85'


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def log_of(form: LogFormat) -> io.StringIO:
    stream = io.StringIO()
    configure_logs(form, stream)
    # Loggers of modules that were used before keep what they were set up with.
    return stream


@pytest.mark.parametrize("form", list(LogFormat))
def test_texts_of_callers_can_not_forge_a_line(form: LogFormat) -> None:
    stream = log_of(form)
    log = structlog.get_logger("test")
    log.info("request", path=FORGED, notes={FORGED: [FORGED]})
    logging.getLogger("uvicorn.error").warning("odd: %s", FORGED)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2
    assert "\x1b" not in stream.getvalue()
    if form is LogFormat.JSON:
        first, second = map(json.loads, lines)
        assert (first["event"], first["path"]) == ("request", FORGED)
        assert second["event"] == f"odd: {FORGED}"
    else:
        assert "request" in lines[0]
        assert "odd: a" in lines[1]


@pytest.mark.parametrize("form", list(LogFormat))
def test_an_error_that_quotes_a_caller(form: LogFormat) -> None:
    stream = log_of(form)
    structlog.get_logger("test").error("failed", exc_info=ValueError(FORGED))
    first, *rest = stream.getvalue().splitlines()
    assert "failed" in first
    assert "ValueError" in stream.getvalue()
    assert all(line.startswith("    | ") for line in rest if line)


def test_lines_of_other_loggers_have_the_requests_id() -> None:
    stream = log_of(LogFormat.JSON)
    with structlog.contextvars.bound_contextvars(request_id="abc"):
        structlog.get_logger("indexer").warning("odd")
        logging.getLogger("elsewhere").warning("odd too")
    assert [json.loads(line)["request_id"] for line in stream.getvalue().splitlines()] == [
        "abc"
    ] * 2


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The log lines of requests, as values."""
    written: list[dict[str, Any]] = []

    class Log:
        def info(self, event: str, **values: Any) -> None:
            written.append({"event": event, **values})

        exception = info

    monkeypatch.setattr("search_api.service.middleware.request._log", Log())
    return written


def ask(engine: Engine, **settings: Any) -> None:
    app = create_app(engine, Settings(api_keys=f"shop:{SHOP}", **settings))
    door = {"X-API-Key": SHOP}
    with TestClient(app, raise_server_exceptions=False) as client:
        query = {"query": json.dumps({"text": "a private wish"})}
        client.post(
            "/v1/search", headers=door, data=query, files={"image": ("me", image_file(RED))}
        )
        client.get("/v1/search?q=another+private+wish", headers=door)
        client.get("/v1/search?q=third+private+wish", headers={"X-API-Key": SHOP[:-1]})
        client.get("/v1/items/red", headers=door)


def test_a_line_has_the_work_and_not_the_query(
    colour_engine: Engine, lines: list[dict[str, Any]]
) -> None:
    ask(colour_engine)
    told = json.dumps(lines)
    for secret in ("private", "wish", SHOP[:-1], "iVBOR", "PNG"):
        assert secret not in told
    posted, words, refused, item = lines
    assert {line["event"] for line in lines} == {"request"}
    assert (posted["method"], posted["route"], posted["status"]) == ("POST", "/v1/search", 200)
    assert set(posted["stages_ms"]) == {"receive", "decode", "encode", "search", "fields"}
    assert sum(posted["stages_ms"].values()) <= posted["ms"] + 0.5
    assert set(words["stages_ms"]) == {"encode", "search", "fields"}
    assert [line.get("key") for line in lines] == ["shop", "shop", None, "shop"]
    assert (refused["status"], refused["route"]) == (401, "other")
    assert (item["route"], item["path"]) == ("/v1/items/{product_id}", "/v1/items/red")
    assert len({line["request_id"] for line in lines}) == 4


def test_texts_are_logged_if_a_setting_says_so(
    colour_engine: Engine, lines: list[dict[str, Any]]
) -> None:
    ask(colour_engine, log_queries=True)
    texts = [line.get("texts") for line in lines]
    assert texts == [["a private wish"], ["another private wish"], None, None]
    assert "iVBOR" not in json.dumps(lines)
