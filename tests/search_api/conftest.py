"""Services in this process over the fake encoder, and servers that all tests share."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.search import Engine
from search_api.demo import COLUMNS, write_catalog
from search_api.service.app import create_app
from search_api.service.settings import Settings
from tests.support.once import made_once, server_once
from tests.support.processes import (
    HOSTILE_ID,
    HOSTILE_TITLE,
    MODEL,
    PATIENCE,
    Cli,
    Drawn,
    InProcessCli,
    Server,
    serve,
)

_HOSTILE_IMAGE = "pictures/hostile.png"
_COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "dark-red": (100, 0, 0),
}


@pytest.fixture(scope="session")
def colour_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Five colours over the fake encoder; read-only."""
    rows = [
        {"id": name, "image": f"{name}.png", "title": f"A {name} thing", "price": number + 0.5}
        for number, name in enumerate(_COLOURS, start=1)
    ]
    return _fake_engine(tmp_path_factory.mktemp("colours"), rows)


@pytest.fixture(scope="session")
def odd_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Several images of a product, missing fields, ids that paths must quote; no thumbnails."""
    rows = [
        {"id": "two", "image": ["green.png", "blue.png"], "title": "Two pictures"},
        {"id": "shoes/image/1.jpg", "image": "red.png", "size": 42},
        {"id": "Größe 42 & mehr", "image": "green.png"},
        {"id": "a+b?c#d;e", "image": "blue.png"},
        {"id": "図鑑/🙂", "image": "yellow.png", "title": "Unicode"},
    ]
    return _fake_engine(tmp_path_factory.mktemp("odd"), rows, thumbnails=False)


@pytest.fixture(scope="session")
def client(colour_engine: Engine) -> Iterator[TestClient]:
    """The service over `colour_engine`; errors are answers, as they are for callers."""
    app = create_app(colour_engine, Settings())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def odd_client(odd_engine: Engine) -> Iterator[TestClient]:
    """The service over `odd_engine`."""
    app = create_app(odd_engine, Settings())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def cli() -> Cli:
    """The `lookalike` command."""
    return Cli()


@pytest.fixture(scope="session")
def fake_cli() -> Cli:
    """The `lookalike` command in this process with the fake encoder."""
    return InProcessCli()


@pytest.fixture(scope="session")
def coloured(fake_cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `catalog.csv`, plain images, and an `index` by `fake_cli`; read-only."""
    folder = tmp_path_factory.mktemp("coloured")
    with (folder / "catalog.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "image", "title"])
        for name, colour in _COLOURS.items():
            Image.new("RGB", (32, 32), colour).save(folder / f"{name}.png")
            rows.writerow([name, f"{name}.png", f"A {name} thing"])
        rows.writerow([HOSTILE_ID, "blue.png", HOSTILE_TITLE])
    command = ["index", "build", folder / "catalog.csv", "--index", folder / "index"]
    done = fake_cli(*command, "--text-weight", "0")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def fake_server(
    fake_cli: Cli, coloured: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A `lookalike serve` process over `coloured`; for tests that only ask."""

    def start(folder: Path) -> Server:
        running = serve(fake_cli, coloured / "index", folder / "stderr")
        # The address is printed before the warm-up.
        httpx.get(f"{running.url}/readyz", timeout=PATIENCE).raise_for_status()
        return running

    with server_once(tmp_path_factory, "fake-server", start) as server:
        yield server


@pytest.fixture(scope="session")
def drawn(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """Forty drawn products and a hostile one, indexed by the command with the shipped model."""

    def build(folder: Path) -> Any:
        catalog = write_catalog(folder, 40)
        noise = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
        hostile = Image.fromarray(noise).resize((240, 240), Image.Resampling.NEAREST)
        hostile.save(folder / _HOSTILE_IMAGE)
        with catalog.open("a", newline="", encoding="utf-8") as file:
            row = {"id": HOSTILE_ID, "image": _HOSTILE_IMAGE, "title": HOSTILE_TITLE}
            csv.DictWriter(file, COLUMNS, restval="").writerow(row)
        index = folder / "index"
        done = cli("index", "build", catalog, "--index", index, "--model", MODEL, "--json")
        assert done.returncode == 0, done.stderr
        return {"catalog": catalog.name, "report": json.loads(done.stdout)}

    folder, made = made_once(tmp_path_factory, "drawn", build)
    catalog, hostile = folder / made["catalog"], folder / _HOSTILE_IMAGE
    return Drawn(catalog, folder / "index", hostile, made["report"])


@pytest.fixture(scope="session")
def server(cli: Cli, drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A `lookalike serve` process over the drawn index; for tests that only ask."""

    def start(folder: Path) -> Server:
        return serve(cli, drawn.index, folder / "stderr")

    with server_once(tmp_path_factory, "server", start) as server:
        yield server


def _fake_engine(
    folder: Path, rows: Sequence[dict[str, object]], *, thumbnails: bool = True
) -> Engine:
    for name, colour in _COLOURS.items():
        Image.new("RGB", (64, 32), colour).save(folder / f"{name}.png")
    catalog = folder / "catalog.jsonl"
    catalog.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    options = BuildOptions(workers=0, thumbnails=thumbnails, text_weight=0.0)
    build_index(catalog, folder / "index", FakeEncoder(), options)
    return Engine.open(folder / "index", FakeEncoder())
