"""The service in this process over the fake encoder, and one real index and server for all."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

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

_COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "dark-red": (100, 0, 0),
}


@pytest.fixture(scope="session")
def colour_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Five colours over the fake encoder, as the `engine` fixture, but made once."""
    rows = [
        {"id": name, "image": f"{name}.png", "title": f"A {name} thing", "price": number + 0.5}
        for number, name in enumerate(_COLOURS, start=1)
    ]
    return _fake_engine(tmp_path_factory.mktemp("colours"), rows)


@pytest.fixture(scope="session")
def odd_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Several pictures, gaps among the fields, ids that paths must quote; no thumbnails."""
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
    """The service over `colour_engine`; errors come as answers, as they do to callers."""
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
    """A folder with `catalog.csv`, pictures of one colour, and an `index` by `fake_cli`."""
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
def drawn(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """Forty drawn products and a hostile one, indexed by the command with the shipped model."""
    folder = tmp_path_factory.mktemp("drawn")
    catalog = write_catalog(folder, 40)
    hostile = folder / "pictures" / "hostile.png"
    noise = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((240, 240), Image.Resampling.NEAREST).save(hostile)
    with catalog.open("a", newline="", encoding="utf-8") as file:
        row = {"id": HOSTILE_ID, "image": "pictures/hostile.png", "title": HOSTILE_TITLE}
        csv.DictWriter(file, COLUMNS, restval="").writerow(row)
    index = folder / "index"
    done = cli("index", "build", catalog, "--index", index, "--model", MODEL, "--json")
    assert done.returncode == 0, done.stderr
    return Drawn(catalog, index, hostile, json.loads(done.stdout))


@pytest.fixture(scope="session")
def server(cli: Cli, drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A `lookalike serve` process over the drawn index."""
    running = serve(cli, drawn.index, tmp_path_factory.mktemp("server") / "stderr")
    yield running
    running.process.terminate()
    running.process.communicate(timeout=PATIENCE)


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
