"""The tools, asked by the MCP package's own client: in memory, as a process, over HTTP."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from indexer.search import Engine
from search_api.mcp import InnerService, make_tools
from search_api.service import Settings, create_app
from tests.support.processes import PATIENCE, Cli
from tests.support.service_helpers import RED, image_file
from tests.support.waiting import until

ROOT = Path(__file__).parents[3]
TOOLS = {"search", "similar", "recommend", "tags", "facets", "picture"}


@asynccontextmanager
async def tools(engine: Engine) -> AsyncIterator[Client]:
    app = create_app(engine, Settings())
    async with (
        app.router.lifespan_context(app),
        Client(make_tools(InnerService(app))) as client,
    ):
        yield client


async def ask(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(name, arguments)
    assert not result.is_error, result.content
    content = result.structured_content
    assert isinstance(content, dict)
    return content


def found(answer: dict[str, Any]) -> list[str]:
    return [hit["id"] for hit in answer["hits"]]


def test_tools_say_what_they_take_and_that_they_change_nothing(colour_engine: Engine) -> None:
    async def run() -> None:
        async with tools(colour_engine) as client:
            listed = (await client.list_tools()).tools
        assert {tool.name for tool in listed} == TOOLS
        for tool in listed:
            assert tool.description
            assert tool.annotations is not None
            assert tool.annotations.read_only_hint
            assert "context" not in tool.input_schema["properties"]

    anyio.run(run)


def test_searching_in_memory(colour_engine: Engine) -> None:
    red = base64.b64encode(image_file(RED)).decode()

    async def run() -> None:
        async with tools(colour_engine) as client:
            by_words = await ask(client, "search", text="red", k=2)
            assert found(by_words)[0] == "red"
            assert by_words["hits"][0]["fields"]["title"] == "A red thing"
            assert 0 <= by_words["hits"][0]["confidence"] <= 1
            assert found(await ask(client, "search", image_base64=red, k=1)) == ["red"]
            cheap = await ask(client, "search", filter={"price": {"lt": 2}})
            assert [hit["fields"]["price"] < 2 for hit in cheap["hits"]] == [True]
            dear = await ask(client, "search", sort=[{"field": "price", "order": "desc"}])
            prices = [hit["fields"]["price"] for hit in dear["hits"]]
            assert prices == sorted(prices, reverse=True)
            assert "red" not in found(await ask(client, "similar", id="red", k=3))
            liked = await ask(client, "recommend", liked=["red"], disliked=["blue"], k=2)
            assert not {"red", "blue"} & set(found(liked))
            (tag,) = (await ask(client, "tags", image_base64=red, labels=["red"]))["tags"]
            assert tag["label"] == "red"
            counted = await ask(client, "facets", fields=["title"])
            assert counted["total"] == 5
            assert ["A red thing", 1] in counted["facets"]["title"]
            assert (await ask(client, "facets"))["facets"] == {}  # no value is there twice
            shown = await client.call_tool("picture", {"id": "red"})
            (content,) = shown.content
            assert content.type == "image"
            assert content.mime_type == "image/webp"

    anyio.run(run)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("search", {"text": "red", "filter": {"pric": 3}}, "price"),
        ("search", {"text": "red", "k": 1000}, "100"),
        ("similar", {"id": "no/such ü"}, "no/such ü"),
        ("tags", {"image_base64": "bm9uc2Vuc2U="}, "image"),
        ("recommend", {"liked": []}, "liked"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    colour_engine: Engine, name: str, arguments: dict[str, Any], message: str
) -> None:
    async def run() -> None:
        async with tools(colour_engine) as client:
            result = await client.call_tool(name, arguments)
            assert result.is_error
            (content,) = result.content
            assert content.type == "text"
            assert message in content.text

    anyio.run(run)


def test_a_process_on_standard_input(drawn: Any, cli: Cli) -> None:
    command = Path(sys.executable).with_name("lookalike")
    server = StdioServerParameters(
        command=str(command), args=["mcp", "--index", str(drawn.index)], env=cli._environment
    )

    async def run() -> None:
        async with Client(stdio_client(server)) as client:
            assert found(await ask(client, "search", text="mug", k=1))[0].startswith("mug")
            assert "colour" in (await ask(client, "facets"))["facets"]

    anyio.run(run)


def test_the_program_of_the_page(drawn: Any, cli: Cli) -> None:
    page = (ROOT / "docs/mcp.md").read_text()
    (program,) = re.findall(r"```python\n(.+?)```", page, re.DOTALL)
    (settings,) = re.findall(r"```json\n(.+?)```", page, re.DOTALL)
    assert json.loads(settings)["mcpServers"]["shop"]["args"][:2] == ["mcp", "--index"]
    beside = str(Path(sys.executable).parent)
    done = subprocess.run(
        [sys.executable, "-c", program.replace("lookalike-demo/index", str(drawn.index))],
        capture_output=True,
        text=True,
        env={**cli._environment, "PATH": f"{beside}:{os.environ['PATH']}"},
        timeout=PATIENCE,
        check=True,
    )
    assert re.fullmatch(r"(?:[a-z-]+-\d+ \w.+\n){3}", done.stdout)


def test_over_http_with_the_keys_of_the_service(drawn: Any, tmp_path: Path) -> None:
    key = "0123456789abcdef"
    guarded = Cli(environment={"LOOKALIKE_API_KEYS": f"shop:{key}"})
    log = tmp_path / "stderr"
    process = guarded.start("mcp", "--index", drawn.index, "--http", "--port", "0", log=log)
    try:
        until(lambda: "Serving" in log.read_text())
        address = re.search(r"http://\S+", log.read_text())
        assert address is not None

        async def run() -> None:
            async with httpx2.AsyncClient(timeout=PATIENCE) as link:
                refused = await link.post(f"{address[0]}/mcp", json={})
                assert refused.status_code == 401
                assert refused.json()["code"] == "unauthorized"
                assert (await link.get(f"{address[0]}/healthz")).json() == {"status": "ok"}
            headers = {"Authorization": f"Bearer {key}"}
            async with (
                httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as link,
                Client(streamable_http_client(f"{address[0]}/mcp", http_client=link)) as client,
            ):
                assert found(await ask(client, "search", text="mug", k=1))[0].startswith("mug")

        anyio.run(run)
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0
