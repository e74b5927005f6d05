"""The service under a path of a proxy: every link that it gives leads back to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from indexer.search import Engine
from search_api.client import Client
from search_api.service.app import create_app
from search_api.service.errors import ServeError
from search_api.service.settings import Settings, read_settings
from tests.support.processes import PATIENCE, Cli, Server, serve
from tests.support.service_helpers import ids
from tests.support.sub_path_proxy import sub_path_proxy

ROOT = "/shop/lookalike"


@pytest.fixture(scope="module")
def rooted_server(coloured: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    cli = Cli(fake=True, environment={"LOOKALIKE_ROOT_PATH": ROOT})
    log = tmp_path_factory.mktemp("rooted") / "stderr"
    server = serve(cli, coloured / "index", log)
    httpx.get(f"{server.url}/readyz", timeout=PATIENCE).raise_for_status()
    yield server
    server.process.terminate()
    server.process.communicate(timeout=PATIENCE)


@pytest.fixture(params=[True, False], ids=["removes the path", "passes it on"])
def proxied(request: pytest.FixtureRequest, rooted_server: Server) -> Iterator[str]:
    with sub_path_proxy(rooted_server.url, f"{ROOT}/", removes=request.param) as address:
        yield address


def fetch(address: str) -> httpx.Response:
    answer = httpx.get(address, timeout=PATIENCE)
    assert answer.status_code == 200, address
    return answer


@pytest.mark.parametrize("page", ["", "docs"])
def test_all_files_of_a_page_are_there(proxied: str, page: str) -> None:
    """Each link of each file, and theirs in turn."""
    seen: set[str] = set()
    waiting = [urljoin(proxied, page)]
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = fetch(address)
        kind = answer.headers["content-type"]
        if "javascript" in kind and "/docs/assets/" not in address:
            found = re.findall(r'from "(\.[^"]+)"', answer.text)
        elif "css" in kind and "/docs/assets/" not in address:
            found = re.findall(r"url\(([^)]+)\)", answer.text)
        elif "html" in kind:
            found = re.findall(r'(?:href|src|action)="([^"#]+)"', answer.text)
        else:
            found = []
        waiting += [urljoin(address, link) for link in found if not link.startswith("data:")]
    assert len(seen) > (20 if not page else 4)
    assert all(address.startswith(proxied) for address in seen)


def test_links_of_answers_lead_to_the_service(proxied: str) -> None:
    body = {"text": "red", "explain": True, "k": 1}
    answers = [
        httpx.post(urljoin(proxied, "v1/search"), json=body, timeout=PATIENCE).json(),
        fetch(urljoin(proxied, "v1/search?q=red&k=1&explain=true")).json(),
        fetch(urljoin(proxied, "v1/items/dark-red/similar?k=1&explain=true")).json(),
        httpx.post(
            urljoin(proxied, "v1/search/batch"), json={"queries": [body]}, timeout=PATIENCE
        ).json()["results"][0]["answer"],
        httpx.post(
            urljoin(proxied, "v1/recommend"), json={"liked": ["dark-red"]}, timeout=PATIENCE
        ).json(),
    ]
    links = [hit["image"] for answer in answers for hit in answer["hits"]]
    links += [
        hit["explanation"]["heatmap"]
        for answer in answers
        for hit in answer["hits"]
        if hit["explanation"]
    ]
    links += fetch(urljoin(proxied, "v1/items/red")).json()["images"]
    assert len(links) > 8
    for link in links:
        assert link.startswith(f"{ROOT}/v1/items/")
        assert fetch(urljoin(proxied, link)).headers["content-type"].startswith("image/")


def test_the_document_names_the_path(proxied: str) -> None:
    document = fetch(urljoin(proxied, "openapi.json")).json()
    assert document["servers"] == [{"url": ROOT}]
    assert "/v1/search" in document["paths"]


def test_the_client_uses_the_path(proxied: str) -> None:
    with Client(proxied.rstrip("/")) as lookalike:
        (hit,) = lookalike.search(text="red", k=1).hits
        assert hit.id == "red"
        assert lookalike.item_image(hit.id, hit.image_number)[:4] == b"RIFF"


@pytest.fixture(scope="module")
def rooted(colour_engine: Engine) -> Iterator[TestClient]:
    settings = Settings(root_path=ROOT, api_keys="shop:0123456789abcdef")
    with TestClient(create_app(colour_engine, settings)) as client:
        yield client


def test_the_path_without_its_slash_is_redirected(rooted: TestClient) -> None:
    answer = rooted.get(ROOT, follow_redirects=False)
    assert answer.status_code == 308
    assert answer.headers["location"] == f"{ROOT}/"
    assert answer.headers["x-request-id"]
    assert rooted.get(ROOT).status_code == 200


def test_keys_are_needed_under_the_path_too(rooted: TestClient) -> None:
    key = {"x-api-key": "0123456789abcdef"}
    for root in ("", ROOT):
        assert rooted.get(f"{root}/v1/index").status_code == 401
        assert rooted.get(f"{root}/healthz").status_code == 200
        assert rooted.get(f"{root}/static/favicon.svg").status_code == 200
        assert ids(rooted.get(f"{root}/v1/search?q=red&k=1", headers=key)) == ["red"]
        item = rooted.get(f"{root}/v1/items/dark%2Dred", headers=key)
        assert item.json()["id"] == "dark-red"
    for other in (f"{ROOT}x/healthz", f"/x{ROOT}/healthz", f"{ROOT}{ROOT}/healthz"):
        assert rooted.get(other, headers=key).status_code == 404


@pytest.mark.parametrize(
    ("given", "root"),
    [("", ""), ("/", ""), ("shop", "/shop"), ("/shop/", "/shop"), (" /a//b/ ", "/a/b")],
)
def test_the_setting_is_normalised(given: str, root: str) -> None:
    assert Settings(root_path=given).root_path == root


@pytest.mark.parametrize(
    "given", ["/v1", "/docs/", "static/x", "/a b", "/a?b", "/../x", "/ä", "/<"]
)
def test_other_paths_are_refused(given: str) -> None:
    with pytest.raises(ServeError, match="LOOKALIKE_ROOT_PATH"):
        read_settings(root_path=given)


def test_without_the_setting_links_begin_at_the_root(client: TestClient) -> None:
    (hit,) = client.post("/v1/search", json={"text": "red", "k": 1}).json()["hits"]
    assert urlsplit(hit["image"]).path == "/v1/items/red/image/0"
    assert "servers" not in client.get("/openapi.json").json()
