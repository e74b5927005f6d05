"""Every program in `examples/` runs, and prints what it should find."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import httpx
import pytest
import uvicorn

from embeddings import Encoder, FakeEncoder, load_encoder
from indexer.build import BuildOptions, build_index
from indexer.search import Engine
from search_api.demo import write_catalog

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "examples").glob("*.py"))
PATIENCE = 120.0  # seconds; nothing waits so long when all is well


def example(name: str) -> ModuleType:
    return importlib.import_module(f"examples.{name}")


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an example as its docstring says."""
    command = [sys.executable, f"examples/{name}.py", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def compact() -> Encoder:
    """The shipped model, loaded once."""
    return load_encoder("compact")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn catalog of twelve products."""
    return write_catalog(tmp_path_factory.mktemp("drawn"), 12)


@pytest.fixture
def colour_index(colours: Path, tmp_path: Path, fast_options: BuildOptions) -> Path:
    """An index of five colours by the fake encoder."""
    build_index(colours, tmp_path / "index", FakeEncoder(), fast_options)
    return tmp_path / "index"


@pytest.fixture
def address(colour_index: Path) -> Iterator[str]:
    """The address at which the app of `mount_in_fastapi` serves the five colours."""
    app = example("mount_in_fastapi").create_shop(Engine.open(colour_index, FakeEncoder()))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
    started = threading.Event()
    startup = server.startup

    async def announce(sockets: list[object] | None = None) -> None:
        await startup(sockets)
        started.set()

    server.startup = announce
    thread = threading.Thread(target=server.run)
    thread.start()
    assert started.wait(PATIENCE)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(PATIENCE)


def test_there_are_five_examples() -> None:
    assert NAMES == [
        "build_and_search",
        "custom_encoder",
        "custom_taxonomy",
        "http_client",
        "mount_in_fastapi",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_how_to_run_it_and_imports_public_names(name: str) -> None:
    source = (ROOT / "examples" / f"{name}.py").read_text("utf-8")
    assert f"python examples/{name}.py" in source.split('"""')[1]
    assert not re.findall(
        r"^\s*(?:from|import) (?:embeddings|indexer|search_api)\b", source, re.MULTILINE
    )


def test_without_arguments_an_example_prints_how_to_run_it() -> None:
    done = run("custom_encoder")
    assert done.returncode == 1
    assert "python examples/custom_encoder.py CATALOG" in done.stderr


def test_build_and_search(
    catalog: Path,
    compact: Encoder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program = example("build_and_search")
    monkeypatch.setattr(program, "load_encoder", lambda name: {"compact": compact}[name])
    photo = next((catalog.parent / "pictures").glob("mug-*.jpg"))
    program.main(catalog, tmp_path / "index", "mug", photo)
    printed = capsys.readouterr().out
    first, words, by_photo, like, both = printed.split("\n\n")
    assert first == "12 products, 12 images embedded"
    assert re.findall(r"mug-\d+", words.splitlines()[1])
    assert by_photo.splitlines()[1].endswith(photo.stem)
    assert like.startswith(f"Like {photo.stem}:")
    assert photo.stem not in like.partition("\n")[2]
    assert both.splitlines()[1].endswith(photo.stem)


def test_custom_taxonomy(
    catalog: Path,
    compact: Encoder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program = example("custom_taxonomy")
    monkeypatch.setattr(program, "load_encoder", lambda name: {"compact": compact}[name])
    pictures = catalog.parent / "pictures"
    photos = [next(pictures.glob(f"{kind}-*.jpg")) for kind in ("mug", "umbrella")]
    program.main(ROOT / "examples" / "kitchen.yaml", photos)
    mug, umbrella = capsys.readouterr().out.splitlines()
    assert re.match(rf"{photos[0].name}  type: mug \(\d+%\)", mug)
    assert re.match(rf"{photos[1].name}  type: umbrella \(\d+%\)", umbrella)


def test_custom_encoder(colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example("custom_encoder").main(colours, tmp_path / "index", "red")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert re.fullmatch(r"(\S+)  red", lines[0])


def test_http_client(address: str, colours: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes((colours.parent / "blue.png").read_bytes())
    done = run("http_client", address, "green", str(photo))
    assert done.returncode == 0, done.stderr
    served, words, image, best, thumbnail = done.stdout.splitlines()
    assert served == "5 products, model fake"
    assert words.startswith("The words: green, ")
    assert image.startswith("The photo: blue, ")
    assert re.fullmatch(r"Best for both: (blue|green) \{'title': 'A \1 thing', .*\}", best)
    assert thumbnail == f"Its image: {tmp_path / 'best.webp'}"
    assert (tmp_path / "best.webp").read_bytes()[8:12] == b"WEBP"


def test_a_mounted_service_stands_beside_the_apps_own_routes(address: str) -> None:
    offers = httpx.get(f"{address}/offers", params={"text": "red", "below": 3})
    assert offers.json() == ["red", "green"]
    found = httpx.get(f"{address}/v1/search", params={"q": "red", "k": 1}).json()
    assert [hit["id"] for hit in found["hits"]] == ["red"]
    assert (
        httpx.get(f"{address}{found['hits'][0]['image']}").headers["content-type"] == "image/webp"
    )
    assert httpx.get(f"{address}/readyz").json() == {"status": "ready"}
