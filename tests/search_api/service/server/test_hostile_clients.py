"""Attacks and accidents on a real server, beside clients that do nothing wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.faulty_server import faulty_server
from tests.support.processes import PATIENCE, Cli, Server, serve
from tests.support.service_helpers import error_of, ids
from tests.support.waiting import until

BURST = 5


@contextmanager
def limited(index: Path, folder: Path, **more: str) -> Iterator[Server]:
    """A server with a rate limit for each address."""
    limit = {"LOOKALIKE_RATE_LIMIT": "0.001", "LOOKALIKE_RATE_BURST": str(BURST)}
    running = serve(Cli(fake=True, environment=limit | more), index, folder / "stderr")
    try:
        yield running
    finally:
        running.process.terminate()
        running.process.communicate(timeout=PATIENCE)


def statuses(server: Server, addresses: list[str]) -> list[int]:
    """Statuses of requests that say that they come from these addresses."""
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as http:
        return [
            http.get("/v1/index", headers={"X-Forwarded-For": address}).status_code
            for address in addresses
        ]


FORGED = [f"192.0.2.{number}" for number in range(20)]


@pytest.mark.case(54)
def test_a_forged_address_is_not_believed(coloured: Path, tmp_path: Path) -> None:
    """The case sec-xff-spoof."""
    with limited(coloured / "index", tmp_path, FORWARDED_ALLOW_IPS="*") as server:
        assert statuses(server, FORGED) == [200] * BURST + [429] * (len(FORGED) - BURST)


@pytest.mark.case(54)
def test_of_a_trusted_proxy_only_what_it_added_is_believed(coloured: Path, tmp_path: Path) -> None:
    with limited(coloured / "index", tmp_path, LOOKALIKE_TRUSTED_PROXIES="127.0.0.1") as server:
        assert statuses(server, FORGED) == [200] * len(FORGED)
        # The client's own header comes before the address that the proxy adds.
        chained = [f"{forged}, 198.51.100.7" for forged in FORGED]
        assert statuses(server, chained) == [200] * BURST + [429] * (len(FORGED) - BURST)


@pytest.mark.case(54)
def test_the_host_header_leads_nobody_away(fake_server: Server) -> None:
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    paths = ("/", "/static", "/docs/", "/v1/index/", "//evil.example", "/docs/assets", "/healthz/",
             "/v1/items/red/", "/static/js", "/.")  # fmt: skip
    with httpx.Client(base_url=fake_server.url, timeout=PATIENCE) as http:
        for path in paths:
            answer = http.get(path, headers=evil, follow_redirects=False)
            assert "location" not in answer.headers, path
            assert "evil" not in str(answer.headers), path
            if answer.headers["content-type"] == "application/json" and answer.status_code >= 400:
                error_of(answer)
        document = http.get("/openapi.json", headers=evil).text
        assert "evil" not in document


@pytest.mark.case(52)
def test_a_flood_of_probes_takes_nothing_from_searches(coloured: Path, tmp_path: Path) -> None:
    """The case sec-readyz-flood: many ask, and the model is asked once a second."""
    with (
        faulty_server(coloured / "index", tmp_path) as faulty,
        httpx.Client(base_url=faulty.server.url, timeout=PATIENCE) as http,
        ThreadPoolExecutor(16) as pool,
    ):
        before = faulty.given().count("ready")
        floods = [pool.submit(probe, faulty.server.url, path) for path in ("/readyz",) * 8
                  + ("/metrics",) * 4 + ("/healthz",) * 4]  # fmt: skip
        found = [http.get("/v1/search", params={"q": f"new words {n}"}) for n in range(20)]
        answers = [status for flood in floods for status in flood.result()]
        asked = faulty.given().count("ready") - before
    assert [answer.status_code for answer in found] == [200] * 20
    assert set(answers) == {200}
    assert asked < len(answers) / 10


def probe(url: str, path: str) -> list[int]:
    with httpx.Client(base_url=url, timeout=PATIENCE) as http:
        return [http.get(path).status_code for _ in range(20)]


@pytest.mark.case(55)
def test_a_folder_that_vanishes_and_returns(coloured: Path, tmp_path: Path) -> None:
    """Answers go on without the folder; what returns in its place is served, if it is an index."""
    index, away = tmp_path / "index", tmp_path / "away"
    shutil.copytree(coloured / "index", index)
    running = serve(Cli(fake=True), index, tmp_path / "stderr")
    try:
        with httpx.Client(base_url=running.url, timeout=PATIENCE) as http:

            def status() -> str:
                return str(http.get("/readyz").json().get("status"))

            assert ids(http.get("/v1/search?q=red&k=1")) == ["red"]
            index.rename(away)
            until(lambda: status() == "degraded")
            assert ids(http.get("/v1/search?q=green&k=1")) == ["green"]
            index.write_text("no folder at all")
            assert ids(http.get("/v1/search?q=blue&k=1")) == ["blue"]
            index.unlink()
            away.rename(index)
            until(lambda: status() == "ready")
            assert ids(http.get("/v1/search?q=yellow&k=1")) == ["yellow"]
    finally:
        running.process.terminate()
        running.process.communicate(timeout=PATIENCE)
    assert "Traceback" not in running.log.read_text()
