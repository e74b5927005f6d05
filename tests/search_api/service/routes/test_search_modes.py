"""Search modes over HTTP and by the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.processes import Cli
from tests.support.service_helpers import YELLOW, error_of, ids, picture


def post(client: TestClient, **query: Any) -> list[str]:
    return ids(client.post("/v1/search", json={"k": 5, **query}))


def test_modes_over_http(client: TestClient) -> None:
    # The fake encoder knows no yellow and no titles.
    assert post(client, text="yellow thing", mode="keyword")[0] == "yellow"
    assert post(client, text="yellow", mode="keyword") == ["yellow"]
    assert post(client, text="yelow", mode="keyword") == ["yellow"]
    assert post(client, text="DARK_RED", mode="keyword")[0] == "dark-red"
    assert post(client, text="yellow", mode="hybrid")[0] == "yellow"
    assert len(post(client, text="yellow", mode="hybrid")) == 5
    assert post(client, text="blue yellow", mode="hybrid", keyword_weight=0)[0] == "blue"
    assert (
        post(client, text="yellow", mode="hybrid", fusion="ranks", keyword_weight=1)[0] == "yellow"
    )
    assert post(client, text="red", mode="keyword", filter={"price": {"gt": 5}}) == ["dark-red"]
    assert post(client, text="nothing of the kind", mode="keyword") == []


def test_modes_of_get(client: TestClient) -> None:
    for mode, expected in (("keyword", ["yellow"]), ("hybrid", ["yellow"])):
        answer = client.get("/v1/search", params={"q": "yellow", "k": 1, "mode": mode})
        assert ids(answer) == expected
    asked = {"q": "yellow blue", "mode": "hybrid", "keyword_weight": 0}
    assert ids(client.get("/v1/search", params=asked))[0] == "blue"


def test_a_picture_and_words_are_fused(client: TestClient) -> None:
    query = {"text": "blue", "mode": "hybrid", "k": 5}
    files = {"image": ("p", picture(YELLOW))}
    answer = client.post("/v1/search", files=files, data={"query": json.dumps(query)})
    assert ids(answer)[0] == "blue"
    picture_alone = {"mode": "hybrid", "k": 1}
    answer = client.post("/v1/search", files=files, data={"query": json.dumps(picture_alone)})
    assert ids(answer) == ["yellow"]
    answer = client.post("/v1/search", files=files, data={"query": '{"mode": "keyword"}'})
    assert error_of(answer) == (422, "invalid_query")
    assert "give text" in answer.json()["message"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("mode", "fuzzy"), ("mode", None), ("keyword_weight", 1.1), ("keyword_weight", -1),
     ("keyword_weight", "much"), ("fusion", "rrf")],
)  # fmt: skip
def test_wrong_modes_name_the_field(client: TestClient, field: str, value: object) -> None:
    answer = client.post("/v1/search", json={"text": "red", field: value})
    assert error_of(answer) == (422, "invalid_request")
    assert field in answer.json()["message"]


def test_modes_of_the_command(fake_cli: Cli, coloured: Path) -> None:
    def search(*options: str) -> Any:
        done = fake_cli("search", *options, "--index", coloured / "index", "--json")
        assert done.returncode == 0, done.stderr
        return [hit["id"] for hit in json.loads(done.stdout)["hits"]]

    assert search("yelow", "--mode", "keyword") == ["yellow"]
    assert search("yellow", "--mode", "hybrid")[0] == "yellow"
    both = ("blue yellow", "--mode", "hybrid")
    assert search(*both, "--keyword-weight", "0", "--fusion", "ranks")[0] == "blue"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("red", "--mode", "fuzzy"), "--mode is one of vector, keyword, hybrid, not 'fuzzy'"),
        (("red", "--fusion", "rrf"), "--fusion is one of scores, ranks, not 'rrf'"),
        (("--like", "red", "--mode", "keyword"), "give text"),
    ],
)
def test_wrong_options_get_one_line(
    fake_cli: Cli, coloured: Path, options: tuple[str, ...], message: str
) -> None:
    done = fake_cli("search", *options, "--index", coloured / "index")
    assert done.returncode != 0
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
