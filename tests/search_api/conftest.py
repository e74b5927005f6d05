"""The service in-process over the fake encoder, and one real index and server for all tests."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from embeddings.fake import FakeEncoder
from indexer.build import BuildOptions, build_index
from indexer.drawings import COLUMNS, write_catalog
from indexer.engine import Engine
from search_api.app import create_app
from search_api.settings import Settings

# The picture samples stand beside the decoders' tests.
sys.path.append(str(Path(__file__).parents[1] / "embeddings"))

MODEL = "compact"
DRAWN = 40
HOSTILE_ID = "sale/image/50% off ü"
HOSTILE_TITLE = "<img src=x onerror=\"document.title='run'\"><b>bold</b> & \"quoted\""

# Long, since other processes may have the processors; nothing waits this long when all is well.
PATIENCE = 120.0


@dataclass(frozen=True)
class Drawn:
    """A real index over drawn products, and the line of JSON that its build printed."""

    index: Path
    pictures: Path
    hostile_picture: Path
    build: dict[str, object]


@dataclass(frozen=True)
class Server:
    """A running `lookalike serve`."""

    url: str
    log: Path
    process: subprocess.Popen[str]


class Cli:
    """Runs the installed `lookalike` command."""

    def __init__(self) -> None:
        beside = Path(sys.executable).with_name("lookalike")
        found = str(beside) if beside.exists() else shutil.which("lookalike")
        assert found, "the lookalike command is not installed"
        self.command = found
        # Messages are compared as plain lines of any length.
        self.environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200", "TERM": "dumb"}

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run to the end."""
        return subprocess.run(
            [self.command, *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            env=self.environment,
            check=False,
        )

    def start(self, *arguments: str | Path, log: Path) -> subprocess.Popen[str]:
        """Start in a process group of its own; standard error goes to a file."""
        with log.open("w") as file:
            return subprocess.Popen(
                [self.command, *map(str, arguments)],
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                encoding="utf-8",
                env=self.environment,
                start_new_session=True,
            )


@pytest.fixture(scope="session")
def cli() -> Cli:
    return Cli()


@pytest.fixture(scope="session")
def colour_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Red, green, blue, yellow and dark red, as the `colours` fixture, but made once."""
    rows = [
        {"id": name, "image": f"{name}.png", "title": f"A {name} thing", "price": number + 0.5}
        for number, name in enumerate(("red", "green", "blue", "yellow", "dark-red"), start=1)
    ]
    return _fake_engine(tmp_path_factory.mktemp("colours"), rows)


@pytest.fixture(scope="session")
def odd_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Products with several pictures, gaps in their fields, and ids that paths must quote."""
    rows = [
        {"id": "two", "image": ["green.png", "blue.png"], "title": "Two pictures"},
        {"id": "shoes/image/1.jpg", "image": "red.png", "size": 42},
        {"id": "Größe 42 & mehr", "image": "green.png"},
        {"id": "a+b?c#d;e", "image": "blue.png"},
        {"id": "図鑑/🙂", "image": "yellow.png", "title": "Unicode"},
    ]
    return _fake_engine(tmp_path_factory.mktemp("odd"), rows)


@pytest.fixture(scope="session")
def client(colour_engine: Engine) -> Iterator[TestClient]:
    """The service over `colour_engine`; errors come as answers, as they do to callers."""
    app = create_app(colour_engine, Settings())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def odd_client(odd_engine: Engine) -> Iterator[TestClient]:
    app = create_app(odd_engine, Settings())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def drawn(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """Drawn products and one whose id and title are meant to break things, indexed for real."""
    folder = tmp_path_factory.mktemp("drawn")
    catalog = write_catalog(folder, DRAWN)
    hostile = folder / "pictures" / "hostile.png"
    noise = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((240, 240), Image.Resampling.NEAREST).save(hostile)
    with catalog.open("a", newline="", encoding="utf-8") as file:
        row = {"id": HOSTILE_ID, "image": "pictures/hostile.png", "title": HOSTILE_TITLE}
        csv.DictWriter(file, COLUMNS, restval="").writerow(row)
    index = folder / "index"
    done = cli("index", "build", catalog, "--index", index, "--model", MODEL, "--json")
    assert done.returncode == 0, done.stderr
    return Drawn(index, folder / "pictures", hostile, json.loads(done.stdout))


@pytest.fixture(scope="session")
def server(cli: Cli, drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`lookalike serve` over the drawn index; told to stop, and waited for, at the end."""
    log = tmp_path_factory.mktemp("server") / "stderr"
    running = start_server(cli, ["--index", drawn.index], log)
    yield running
    running.process.terminate()
    running.process.communicate(timeout=PATIENCE)


def start_server(cli: Cli, options: Sequence[str | Path], log: Path) -> Server:
    """Start serving on a free port, and wait until it says which."""
    process = cli.start("serve", *options, "--port", "0", log=log)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        said = re.search(r"^Serving [\d,]+ products on (http://\S+)$", log.read_text(), re.M)
        if said:
            return Server(said[1], log, process)
        time.sleep(0.05)
    process.kill()
    process.communicate()
    raise AssertionError(f"the server did not start: {log.read_text()}")


def _fake_engine(folder: Path, rows: Sequence[dict[str, object]]) -> Engine:
    colours = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
    colours |= {"yellow": (255, 255, 0), "dark-red": (100, 0, 0)}
    for name, colour in colours.items():
        Image.new("RGB", (32, 32), colour).save(folder / f"{name}.png")
    catalog = folder / "catalog.jsonl"
    catalog.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    build_index(catalog, folder / "index", FakeEncoder(), BuildOptions(workers=1))
    return Engine.open(folder / "index", FakeEncoder())
