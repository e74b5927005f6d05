"""The OpenAPI document against a live service: schemathesis asks what it allows and forbids.

Its direct interface is used, since pytest 9 does not collect the tests of its `from_fixture`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.support.processes import PATIENCE, Cli, serve

load_all_checks()

# Examples of each route and mode: half a minute of the default suite, a quarter of an hour of all.
EXAMPLES, ALL_EXAMPLES = 25, 750

FACTS = {("/v1/index", "GET"), ("/metrics", "GET"), ("/healthz", "GET"), ("/readyz", "GET")}
QUESTIONS = {
    ("/v1/search", "POST"),
    ("/v1/search", "GET"),
    ("/v1/search/batch", "POST"),
    ("/v1/recommend", "POST"),
    ("/v1/tags", "POST"),
    ("/v1/items/{product_id}", "GET"),
    ("/v1/items/{product_id}/image/{number}", "GET"),
    ("/v1/items/{product_id}/similar", "GET"),
    ("/v1/items/{product_id}/heatmap", "GET"),
    ("/v1/items/{product_id}/heatmap", "POST"),
}


# Each with what is allowed, and with what is forbidden, where anything is: an id may be any text.
CASES = [
    (path, method, mode)
    for path, method in sorted(QUESTIONS)
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if (path, mode) != ("/v1/items/{product_id}", GenerationMode.NEGATIVE)
]


@pytest.fixture(scope="module")
def api(fake_cli: Cli, coloured: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a running service."""
    log = tmp_path_factory.mktemp("live") / "stderr"
    running = serve(fake_cli, coloured / "index", log)
    httpx.get(f"{running.url}/readyz", timeout=PATIENCE).raise_for_status()
    yield schemathesis.openapi.from_url(f"{running.url}/openapi.json")
    running.process.terminate()
    running.process.communicate(timeout=PATIENCE)
    assert "Traceback" not in log.read_text("utf-8")


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def test_every_route_is_put_to_the_test(api: Any) -> None:
    found = {(path, method.upper()) for path in api for method in api[path]}
    assert found == FACTS | QUESTIONS


@pytest.mark.parametrize(("path", "method", "mode"), CASES)
def test_arbitrary_requests_get_answers_as_documented(
    path: str,
    method: str,
    mode: GenerationMode,
    api: Any,
    session: requests.Session,
    request: pytest.FixtureRequest,
) -> None:
    """No 5xx; statuses, headers and bodies as the document has them; what it forbids is refused."""
    # A schema can't say which products, fields and pictures there are.
    excluded = [positive_data_acceptance]
    if path == "/v1/search/batch":
        # What is wrong with one query is told as its result.
        excluded.append(negative_data_rejection)
    examples = ALL_EXAMPLES if request.config.getoption("--all") else EXAMPLES

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        # To make a failing request smaller can take minutes; schemathesis shows it as it was.
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(case=api[path][method].as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        response = case.call(session=session, timeout=PATIENCE)
        if response.content == b"Invalid HTTP request received.":
            # What is no HTTP, such as an address of many kilobytes, never gets to the service.
            assert response.status_code == 400
            assert len(str(response.request.url)) > 8_000
            return
        case.validate_response(response, excluded_checks=excluded)

    check()


@pytest.mark.parametrize(("path", "method"), sorted(FACTS))
def test_facts_are_as_documented(
    path: str, method: str, api: Any, session: requests.Session
) -> None:
    case = api[path][method].Case()
    response = case.call(session=session, timeout=PATIENCE)
    assert response.status_code == 200
    case.validate_response(response)
