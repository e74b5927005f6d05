"""The OpenAPI document against a live service: requests that it allows, and that it forbids.

Its direct interface is used, since pytest 9 does not collect the tests of its `from_fixture`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from search_api.service.admission.keys import KeyFile, Scope
from tests.support.processes import PATIENCE, Cli, Server, serve

load_all_checks()

# Examples of each route and mode, by default and with --all: seconds, and a quarter of an hour.
EXAMPLES, ALL_EXAMPLES = 8, 750

FACTS = {("/v1/index", "GET"), ("/metrics", "GET"), ("/healthz", "GET"), ("/readyz", "GET")}
QUESTIONS = {
    ("/v1/search", "POST"),
    ("/v1/search", "GET"),
    ("/v1/suggest", "GET"),
    ("/v1/search/batch", "POST"),
    ("/v1/embed", "POST"),
    ("/v1/recommend", "POST"),
    ("/v1/tags", "POST"),
    ("/v1/detect", "POST"),
    ("/v1/moderate", "POST"),
    ("/v1/read", "POST"),
    ("/v1/items/{product_id}", "GET"),
    ("/v1/items/{product_id}/image/{number}", "GET"),
    ("/v1/items/{product_id}/similar", "GET"),
    ("/v1/items/{product_id}/heatmap", "GET"),
    ("/v1/items/{product_id}/heatmap", "POST"),
}

WRITES = {
    ("/v1/items/{product_id}", "PUT"),
    ("/v1/items/{product_id}", "PATCH"),
    ("/v1/items/{product_id}", "DELETE"),
}

# Why a request that the document allows may be refused. OpenAPI can't say that two parameters of a
# query string, or a file of a form, depend on each other, nor what is an image, a colour, a blank.
UNSAID = re.compile(
    r"invalid_request: [\w.]+: String should have at least 1 character"
    r"|invalid_request: q: give words|invalid_request: colour: give the colour"
    r"|invalid_request: region: |invalid_request: image: give one image (or several )?in one way"
    r"|invalid_request: (parts\.\d+\.)?image_base64(\.\d+)?: this (is not base64|base64 is)"
    r"|invalid_request: (parts\.\d+\.)?image_base64(\.\d+)?: this data URL"
    r"|invalid_request: groups: there is no|invalid_request: taxonomies: there is no"
    r"|invalid_query: The query is empty|invalid_query: The parts of the query cancel"
    r"|invalid_query: Give one of group|invalid_query: Keyword search needs words"
    r"|invalid_query: There is no colour"
    r"|invalid_query: Both liked and disliked|invalid_request: filter: this is not a JSON object"
    r"|invalid_write: |invalid_request: image: give one|version_conflict: "
    r"|idempotency_key_reused: |invalid_query: filter|(unsupported|broken)_image: "
    r"|image_too_large: |url_not_allowed: "
)


def said_of(response: Any) -> str:
    """Code and message of a refusal."""
    body = response.json()
    return f"{body['code']}: {body['message']}"


# Allowed and forbidden requests of each route; of an item's id, no text is forbidden.
CASES = [
    (path, method, mode)
    for path, method in sorted(QUESTIONS)
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    if (path, mode) != ("/v1/items/{product_id}", GenerationMode.NEGATIVE)
]


@pytest.fixture(scope="module")
def api(fake_server: Server) -> Iterator[Any]:
    """The document of a running service."""
    yield schemathesis.openapi.from_url(f"{fake_server.url}/openapi.json")
    assert "Traceback" not in fake_server.log.read_text("utf-8")


@pytest.fixture(scope="module")
def writable(coloured: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The document of a running service that takes writes, over a copy of an index, and a key."""
    folder = tmp_path_factory.mktemp("writable")
    index = Path(shutil.copytree(coloured / "index", folder / "index"))
    keys = folder / "keys"
    key = KeyFile(keys).create("shop", [Scope.READ, Scope.WRITE])
    cli = Cli(fake=True, environment={"LOOKALIKE_API_KEYS_FILE": str(keys)})
    server = serve(cli, index, folder / "log", ("--port", "0", "--writable"))
    requests.get(f"{server.url}/readyz", timeout=PATIENCE).raise_for_status()
    yield schemathesis.openapi.from_url(f"{server.url}/openapi.json"), {"X-API-Key": key}
    server.process.terminate()
    server.process.communicate(timeout=PATIENCE)
    log = server.log.read_text("utf-8")
    assert "Traceback" not in log
    assert "can't be published" not in log


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def test_every_route_is_tested(api: Any) -> None:
    found = {(path, method.upper()) for path in api for method in api[path]}
    assert found == FACTS | QUESTIONS


@pytest.mark.case(40)
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
    examples = ALL_EXAMPLES if request.config.getoption("--all") else EXAMPLES

    check_answers(api[path][method], mode, examples, session)


@pytest.mark.parametrize(("path", "method"), sorted(WRITES))
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_arbitrary_writes_get_answers_as_documented(
    path: str,
    method: str,
    mode: GenerationMode,
    writable: tuple[Any, dict[str, str]],
    request: pytest.FixtureRequest,
) -> None:
    api, headers = writable
    examples = ALL_EXAMPLES if request.config.getoption("--all") else EXAMPLES
    with requests.Session() as session:
        check_answers(api[path][method], mode, examples, session, headers)


def check_answers(
    operation: Any,
    mode: GenerationMode,
    examples: int,
    session: requests.Session,
    headers: dict[str, str] | None = None,
) -> None:
    """Send arbitrary requests to an operation, and check the answers."""

    @settings(
        max_examples=examples,
        database=None,
        # Shrinking a failing request can take minutes; schemathesis shows it as it was.
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        response = case.call(session=session, timeout=PATIENCE, headers=headers)
        if response.status_code == 431:
            # A head of more than 64 KiB never reaches the routes.
            assert len(str(response.request.url)) > 60_000
            return
        unsaid = response.status_code in (400, 409, 415, 422) and UNSAID.match(said_of(response))
        excluded = [positive_data_acceptance] if unsaid else []
        if headers is not None:
            excluded.append(ignored_auth)  # it would ask without the key, and gets 401
        case.validate_response(response, headers=headers, excluded_checks=excluded)

    check()


@pytest.mark.parametrize(("path", "method"), sorted(FACTS))
def test_answers_without_parameters_are_as_documented(
    path: str, method: str, api: Any, session: requests.Session
) -> None:
    case = api[path][method].Case()
    response = case.call(session=session, timeout=PATIENCE)
    assert response.status_code == 200
    case.validate_response(response)
